"""The next page is found in either header and never followed off the server; waits are read in every form."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.clients.limits import DEFAULT_PAUSE, LONGEST_PAUSE, rate_limit, retry_after
from bot.clients.pages import next_page
from bot.errors import PermanentError

API = URL("https://gitlab.example.org/api/v4")
HERE = URL("https://gitlab.example.org/api/v4/projects/acme%2Fshop/pipelines?per_page=100&page=1", encoded=True)
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def test_the_link_header_is_followed_before_the_page_number() -> None:
    link = f'<{HERE}&x=first>; rel="first", <{HERE}&cursor=abc>; rel="next", <{HERE}&x=last>; rel="last"'

    assert str(next_page(API, HERE, {"link": link, "x-next-page": "7"})) == f"{HERE}&cursor=abc"


def test_a_page_number_alone_is_enough() -> None:
    following = next_page(API, HERE, {"x-next-page": "2"})

    assert following is not None
    assert following.query["page"] == "2"
    assert following.raw_path == HERE.raw_path


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-next-page": ""}, {"link": f'<{HERE}>; rel="first"'}, {"link": "rubbish"}, {"x-next-page": "two"}],
)
def test_the_last_page_has_no_next(headers: dict[str, str]) -> None:
    assert next_page(API, HERE, headers) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/api/v4/projects",
        "http://gitlab.example.org/api/v4/projects",
        "https://gitlab.example.org:8443/api/v4/projects",
        "https://gitlab.example.org/api/v5/projects",
        "https://gitlab.example.org/api/v4evil",
        "https://gitlab.example.org/",
        "https://gitlab.example.org/api/v4/../../oauth",
        "https://gitlab.example.org/api/v4/%2e%2e/%2e%2e/oauth",
        "https://gitlab.example.org@evil.example.org/api/v4/x",
        "//evil.example.org/api/v4/x",
    ],
)
def test_a_next_page_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(PermanentError, match="lies elsewhere"):
        next_page(API, HERE, {"link": f'<{address}>; rel="next"'})


@given(st.text(max_size=200))
def test_a_link_header_of_any_text_stays_on_the_server(text: str) -> None:
    try:
        following = next_page(API, HERE, {"link": text})
    except PermanentError:
        return
    assert following is None or str(following).startswith(f"{API}/")


@given(st.text(alphabet="abc/:.@%2eE\\?#", max_size=60))
def test_a_next_link_of_any_address_stays_on_the_server(address: str) -> None:
    try:
        following = next_page(API, HERE, {"link": f'<{address}>; rel="next"'})
    except PermanentError:
        return
    assert following is None or str(following).startswith(f"{API}/")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "0"}, 1),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=25), usegmt=True)}, 25),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=25), usegmt=True)}, 1),
        ({"retry-after": "999999999"}, LONGEST_PAUSE),
        ({"retry-after": "soon"}, DEFAULT_PAUSE),
        ({"retry-after": "-5"}, DEFAULT_PAUSE),
        ({}, DEFAULT_PAUSE),
        ({"ratelimit-remaining": "0", "ratelimit-reset": str(int(NOW.timestamp()) + 40)}, 40),
        ({"ratelimit-remaining": "3", "ratelimit-reset": str(int(NOW.timestamp()) + 40)}, DEFAULT_PAUSE),
    ],
)
def test_how_long_to_wait_is_read_from_what_there_is(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == seconds


@given(
    st.dictionaries(st.sampled_from(["retry-after", "ratelimit-remaining", "ratelimit-reset"]), st.text(max_size=40))
)
def test_no_header_breaks_the_wait(headers: dict[str, str]) -> None:
    assert 1.0 <= retry_after(headers, NOW) <= LONGEST_PAUSE


def test_the_servers_count_is_read_or_left_alone() -> None:
    limit = rate_limit({"ratelimit-remaining": "7", "ratelimit-reset": str(int(NOW.timestamp()) + 30)}, NOW)

    assert limit is not None
    assert (limit.remaining, limit.resets_in) == (7, 30)
    assert rate_limit({"ratelimit-remaining": "many", "ratelimit-reset": "1"}, NOW) is None
    assert rate_limit({}, NOW) is None
