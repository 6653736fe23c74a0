"""A line is understood as it was meant, or answered with what to write instead; it is never near a shell."""

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_payloads import shared_file

from bot.commanded import Fault, Spoken
from bot.commands import Grammar, Line, Names
from bot.commands.grammar import LONGEST_LINE, LONGEST_REASON
from bot.commands.nearest import distance, nearest
from bot.verbs import VerbForm
from handlers import FORMS

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NAMES = Names(
    environments={
        "demo-service": frozenset({"dev", "staging", "production"}),
        "web": frozenset({"dev", "production"}),
    }
)
GRAMMAR = Grammar(FORMS)


def read(said: str, names: Names = NAMES) -> Spoken | Fault:
    """What follows our name, understood or not."""
    return GRAMMAR.read(Line(text=f"/sluice {said}", said=said), names, NOW)


def fault(said: str) -> Fault:
    """Why it was not understood."""
    found = read(said)
    assert isinstance(found, Fault), found
    return found


TWO_HOURS = timedelta(hours=2)
UNDERSTOOD = {
    "": Spoken(verb="help"),
    "help": Spoken(verb="help"),
    "HELP promote": Spoken(verb="help", about="promote"),
    "whoami": Spoken(verb="whoami"),
    "who-can promote in production": Spoken(verb="who-can", about="promote", environment="production"),
    "status": Spoken(verb="status"),
    "status web production": Spoken(verb="status", application="web", environment="production"),
    "why Production": Spoken(verb="why", environment="production"),
    "diff demo-service staging 1.2.3": Spoken(
        verb="diff", application="demo-service", environment="staging", version="1.2.3"
    ),
    "promote": Spoken(verb="promote"),
    "promote 1.2.3 to production": Spoken(verb="promote", version="1.2.3", environment="production"),
    "promote to production web v1.2.3-rc.1+4": Spoken(
        verb="promote", application="web", environment="production", version="v1.2.3-rc.1+4"
    ),
    "promote 1.2.3 production --dry-run --replace": Spoken(
        verb="promote", version="1.2.3", environment="production", dry_run=True, replace=True
    ),
    'promote to production --skip staging --override no-freeze --override "loses nothing" --reason hot fix': Spoken(
        verb="promote",
        environment="production",
        skip=("staging",),
        override=("no-freeze", "loses nothing"),
        reason="hot fix",
    ),
    "promote --skip=staging --skip=dev to production": Spoken(
        verb="promote", environment="production", skip=("staging", "dev")
    ),
    'rollback in production --deny --reason "customers complain" ': Spoken(
        verb="rollback", environment="production", deny=True, reason="customers complain"
    ),
    'rollback --reason "customers complain" in production': Spoken(
        verb="rollback", environment="production", reason="customers complain"
    ),
    "approve": Spoken(verb="approve"),
    "approve production 1.2.3": Spoken(verb="approve", environment="production", version="1.2.3"),
    "reject --reason=too big": Spoken(verb="reject", reason="too big"),
    "hold production for 2h --reason x": Spoken(verb="hold", environment="production", lasts=TWO_HOURS, reason="x"),
    "hold production until 2026-11-24T08:00Z --reason x": Spoken(
        verb="hold", environment="production", until=datetime(2026, 11, 24, 8, tzinfo=UTC), reason="x"
    ),
    "freeze production until tomorrow 08:00 Europe/Berlin --reason x": Spoken(
        verb="freeze", environment="production", until=datetime(2026, 11, 24, 7, tzinfo=UTC), reason="x"
    ),
    "thaw production": Spoken(verb="thaw", environment="production"),
    "allow 1.2.3 in production --reason mended": Spoken(
        verb="allow", version="1.2.3", environment="production", reason="mended"
    ),
    "retry staging": Spoken(verb="retry", environment="staging"),
    "cancel web dev": Spoken(verb="cancel", application="web", environment="dev"),
    "link ABC-123-XYZ": Spoken(verb="link", about="ABC-123-XYZ"),
    "unhold demo-service production": Spoken(verb="unhold", application="demo-service", environment="production"),
}


@pytest.mark.parametrize("said", UNDERSTOOD)
def test_a_line_is_understood_as_it_was_meant(said: str) -> None:
    assert read(said) == UNDERSTOOD[said]


MISREAD = {
    "promot 1.2.3 to production": ("unknown_verb", "`/sluice promote`"),
    "merge": ("unknown_verb", "`/sluice help`"),
    "promote 1.2.3 to prodution": ("unknown_name", "production"),
    "promote demo-servce to production": ("unknown_name", "demo-service"),
    "promote to the moon": ("unknown_name", "There is dev, production, staging."),
    "promote to": ("bad_argument", "promote"),
    "promote 1.2.3 1.2.4 to production": ("bad_argument", "Say one of them."),
    "promote to production to staging": ("bad_argument", "Say one of them."),
    "promote to production --dryrun": ("bad_argument", "--dry-run"),
    "promote to production --skip": ("bad_argument", "--skip NAME"),
    "promote to production --override '; rm -rf'": ("bad_argument", "--override NAME"),
    "approve --override approved": ("bad_argument", ""),
    "whoami --reason x": ("bad_argument", "whoami"),
    "whoami production": ("unknown_name", "demo-service, web"),
    "promote to production --skip stаging": ("look_alike", "plain letters"),
    "hold production": ("bad_argument", "--reason"),
    "hold production --reason": ("bad_argument", "--reason"),
    'hold production --reason ""': ("bad_argument", "--reason"),
    "hold production for 2 hours --reason x": ("bad_argument", ""),
    "hold production for ever --reason x": ("bad_argument", ""),
    "hold production for 900d --reason x": ("bad_argument", ""),
    "hold production for 0h --reason x": ("bad_argument", ""),
    "hold production for -2h --reason x": ("bad_argument", ""),
    "hold production until 08:00 --reason x": ("bad_argument", ""),
    "hold production until 2026-11-24T08:00 --reason x": ("bad_argument", ""),
    "hold production until yesterday --reason x": ("bad_argument", ""),
    "hold production until 08:00 Mars/Olympus --reason x": ("bad_argument", ""),
    "hold production until 25:00 UTC --reason x": ("bad_argument", ""),
    "hold production until 2026-13-41T08:00Z --reason x": ("bad_argument", ""),
    "hold production until --reason x": ("bad_argument", ""),
    "hold production for 2h until 08:00 UTC --reason x": ("bad_argument", "either until when"),
    "promote 1.2.3 to produсtion": ("look_alike", "plain letters"),
    "promote 1.2.3 to production —dry-run": ("look_alike", "--dry-run"),
    "promote 1.2.3 to production \u202e": ("bad_argument", "Type it anew"),
    "promote 1.2.3\u200b to production": ("bad_argument", "Type it anew"),
    "hold \x00 production": ("bad_argument", "Type it anew"),
}


@pytest.mark.parametrize("said", MISREAD)
def test_what_is_not_understood_is_answered_with_what_to_write(said: str) -> None:
    code, words = MISREAD[said]

    found = fault(said)

    assert found.code == code
    assert found.because
    assert words in found.do or words in found.because


def test_a_reason_takes_the_rest_of_its_line_and_nothing_in_it_is_a_flag() -> None:
    said = read("allow 1.2.3 in production --reason mended --deny --dry-run")

    assert isinstance(said, Spoken)
    assert (said.reason, said.deny, said.dry_run) == ("mended --deny --dry-run", False, False)


@pytest.mark.parametrize("reason", ["it's late", 'he said "no"', "ünïcödé ✓", "<b>bold</b>", "$(reboot) `x` ; | &&"])
def test_a_reason_is_kept_as_it_was_written(reason: str) -> None:
    said = read(f"hold production --reason {reason}")

    assert isinstance(said, Spoken)
    assert said.reason == reason


META = ["$(reboot)", "`reboot`", ";reboot", "|sh", "&&sh", "../../etc/passwd", "%2e%2e", "{{7*7}}", "'--", "a=b", "-rf"]
LINES = ["promote {} to production", "promote 1.2.3 to {}", "status {}", "promote --skip {} to dev"]


@pytest.mark.parametrize("word", META)
@pytest.mark.parametrize("line", LINES)
def test_characters_of_a_shell_are_no_part_of_any_name(line: str, word: str) -> None:
    assert fault(line.format(word)).code in ("bad_argument", "unknown_name")


def test_too_long_lines_and_reasons_are_refused() -> None:
    assert fault("x" * (LONGEST_LINE + 1)).because == "it is too long"
    assert "longer than" in fault(f"hold production --reason {'x' * (LONGEST_REASON + 1)}").because


def test_our_name_is_no_quick_action_of_gitlab() -> None:
    text = shared_file("contracts/gitlab-api/quick-actions.txt").read_text()
    actions = {word for line in text.splitlines() if not line.startswith("#") for word in line.split()}

    assert len(actions) > 50
    assert GRAMMAR.name.removeprefix("/") not in actions
    assert {form.name for form in FORMS} & actions, "bare words of ours would clash, so that none may be one"


def test_every_usage_of_the_help_is_understood() -> None:
    values = {"COMMAND": "promote", "CODE": "ABC-123", "APPLICATION": "web", "ENVIRONMENT": "dev", "VERSION": "1.2.3"}
    for form in FORMS:
        usage = form.usage.replace("[until TIME | for DURATION]", "for 2h").replace("[", "").replace("]", "")
        usage = usage.replace("--skip ENVIRONMENT", "--skip staging").replace("GATE", "no-hold").replace("…", "why")
        for word, value in values.items():
            usage = usage.replace(word, value)

        assert isinstance(read(usage), Spoken), (form.name, usage, read(usage))


ZONES = ["UTC", "Z", "+01:00", "-0530", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", ["00:00", "08:30", "9:05", "23:59"])
def test_a_clock_time_is_the_next_such_moment_in_its_zone(clock: str, zone: str) -> None:
    said = read(f"hold production until {clock} {zone} --reason x")

    assert isinstance(said, Spoken)
    assert said.until is not None
    assert timedelta() < said.until - NOW <= timedelta(days=1)
    if "/" in zone:
        assert said.until.astimezone(ZoneInfo(zone)).strftime("%H:%M") == clock.zfill(5)


WORDS = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=12)


@given(WORDS, WORDS)
def test_the_distance_of_words_is_one(left: str, right: str) -> None:
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert distance(left, right) <= max(len(left), len(right))
    assert nearest(left, [left, right]) == left


@given(st.sampled_from([form.name for form in FORMS if len(form.name) > 3]), st.integers(0, 20))
def test_one_slip_of_the_finger_is_guessed(verb: str, place: int) -> None:
    at = place % len(verb)
    slipped = verb[:at] + verb[at + 1 :]

    found = read(slipped)

    if isinstance(found, Fault):
        near = nearest(slipped, [form.name for form in FORMS])
        assert (found.code, f"`/sluice {near}`" in found.do) == ("unknown_verb", True)
        assert distance(slipped, near) <= 1


SAID = st.one_of(
    st.text(max_size=120),
    st.lists(
        st.sampled_from(
            [form.name for form in FORMS]
            + ["to", "in", "until", "for", "2h", "08:00", "UTC", "tomorrow", "production", "web", "1.2.3", "--reason"]
            + [
                "--skip",
                "--override",
                "--dry-run",
                "--reason=",
                '"',
                "'",
                "50%",
                "--",
                "—",
                "é",
                "\\",
                "2026-11-24T08:00Z",
            ]
        ),
        max_size=12,
    ).map(" ".join),
)


@settings(max_examples=1000, deadline=None)
@given(SAID)
def test_no_text_breaks_the_grammar(said: str) -> None:
    found = read(said)

    assert isinstance(found, Spoken) or (found.code and found.because)
    if isinstance(found, Spoken):
        assert found.application in ("", *NAMES.applications)
        assert found.environment in ("", *NAMES.everywhere)


def written(said: Spoken, form: VerbForm) -> str:
    """A line that says it."""
    end = f"until {said.until:%Y-%m-%dT%H:%MZ}" if said.until else ""
    end = f"for {int(said.lasts.total_seconds() // 60)}m" if said.lasts else end
    switches = {"--dry-run": said.dry_run, "--replace": said.replace, "--deny": said.deny}
    words = [form.name, said.about, said.application, said.version, said.environment, end]
    words += [flag for flag, wanted in switches.items() if wanted]
    words += [f"--skip {name}" for name in said.skip] + [f'--override "{name}"' for name in said.override]
    words += [f"--reason {said.reason}"] if said.reason else []
    return " ".join(word for word in words if word)


@st.composite
def spoken(draw: st.DrawFn) -> Spoken:
    """Anything that a form allows."""
    form = draw(st.sampled_from([form for form in FORMS if not form.takes & {"verb", "code"}]))
    maybe = {
        "application": st.sampled_from(["", *NAMES.applications]),
        "environment": st.sampled_from(["", *NAMES.everywhere]),
        "version": st.sampled_from(["", "1.2.3", "v2.0.0-rc.1", "3.0.0+build.7"]),
    }
    known = {slot: draw(values) for slot, values in maybe.items() if slot in form.takes}
    said = replace(Spoken(verb=form.name), **known)  # type: ignore[arg-type]
    if "end" in form.takes and draw(st.booleans()):
        said = replace(said, lasts=timedelta(minutes=draw(st.integers(1, 10_000))))
    elif "end" in form.takes:
        said = replace(said, until=NOW + timedelta(minutes=draw(st.integers(-1000, 10_000))))
    for flag in form.flags & {"--dry-run", "--replace", "--deny"}:
        said = replace(said, **{flag.removeprefix("--").replace("-", "_"): draw(st.booleans())})  # type: ignore[arg-type]
    if "--skip" in form.flags:
        said = replace(said, skip=tuple(draw(st.lists(st.sampled_from(["dev", "staging"]), max_size=2))))
        said = replace(said, override=tuple(draw(st.lists(st.sampled_from(["no hold", "approved"]), max_size=2))))
    if form.reason == "required" or (form.reason == "optional" and draw(st.booleans())):
        said = replace(said, reason=draw(st.sampled_from(["it is late", "why not --dry-run", "ünïcödé"])))
    return said


@settings(max_examples=500, deadline=None)
@given(spoken())
def test_what_can_be_said_is_understood_as_it_was_said(said: Spoken) -> None:
    assert read(written(said, GRAMMAR.forms[said.verb])) == said
