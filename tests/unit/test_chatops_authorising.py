"""The authorisation table, every cell: verb, environment, role and kind of caller, by default and by grants.

What is expected is written down here a second time, as people read it, and not taken from the code that decides.
"""

import json
import re
from pathlib import Path

import pytest
from command_worlds import caller
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_worlds import APPLICATION

from bot.observing import Caller, Principal, Role
from config.policy import Policy
from handlers import FORMS
from handlers.chatops.authorising import Right, authorise

PAGE = (Path(__file__).parents[2] / "docs" / "chatops.md").read_text()
ROLES: tuple[Role, ...] = ("none", "minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner")
VERBS = (*sorted(form.name for form in FORMS), "override")
EVERYBODY = -1
READ, WRITE = (
    ("status", "why", "diff", "who-can"),
    ("promote", "retry", "cancel", "approve", "reject", "hold", "unhold"),
)
NEEDED: dict[str, tuple[Role, Role]] = {
    **dict.fromkeys(READ, ("reporter", "reporter")),
    **dict.fromkeys(WRITE, ("developer", "maintainer")),
    **dict.fromkeys(("rollback", "allow", "freeze", "thaw", "override"), ("maintainer", "maintainer")),
}
"""The weakest role where it is not production, and where it is; verbs that are not here are everybody's."""
ENVIRONMENTS = {"dev": False, "staging": False, "production": True, "live": True, "stage-two": True, "prodigy": False}
"""Whether it is production: by its name, unless its tier says otherwise."""


def policy(access: object = None) -> Policy:
    """One application in all of the environments."""
    tiers = {"stage-two": "production", "prodigy": "other"}
    environments = {
        name: {"cluster": "one", "delivery": "observe", **({"tier": tiers[name]} if name in tiers else {})}
        for name in ENVIRONMENTS
    }
    application = {
        "project": "demo/demo-service",
        "images": ["registry.example/demo/demo-service"],
        "kustomization": "flux-system/demo-service-{environment}",
        "position": {"kind": "kustomize_images", "file": "apps/{environment}/k.yaml", "image": "demo-service"},
    }
    document: dict[str, object] = {
        "version": 1,
        "environments": environments,
        "applications": {APPLICATION: application},
    }
    return Policy.parse(json.dumps(document | ({"access": access} if access is not None else {})))


BY_ROLE = policy()


def right(verb: str, environment: str) -> Right:
    """The verb for the application, or for all of them where it is about all."""
    application = "" if verb in ("freeze", "thaw") else APPLICATION
    return Right(verb=verb, application=application, environment=environment)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_by_default_it_goes_by_role(verb: str, environment: str) -> None:
    needed = NEEDED.get(verb)
    weakest = EVERYBODY if needed is None else ROLES.index(needed[ENVIRONMENTS[environment]])

    for place, role in enumerate(ROLES):
        refusal = authorise(caller(role), right(verb, environment), BY_ROLE)
        assert (refusal is None) == (place >= weakest), (role, refusal)
        if refusal is not None:
            assert (refusal.code, refusal.rule) == ("not_allowed", f"who may {verb} in {environment}")
            assert role in refusal.found or role == "none"
            assert ROLES[weakest] in refusal.needed
            assert verb in refusal.next


TOKEN = Principal(kind="token", id="ops", name="ops")
CHAT = Principal(kind="chat", id="T/U", name="someone")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("granted", [False, True])
def test_the_kind_of_caller_comes_before_any_grant(verb: str, environment: str, role: Role, granted: bool) -> None:
    by = policy([{"may": ["*"], "roles": ["guest"], "users": ["maintainer", "ops", "someone"]}]) if granted else BY_ROLE
    asked = right(verb, environment)

    strangers = {
        "unknown_caller": caller(role, found=False),
        "blocked": caller(role, active=False),
        "bot": caller(role, is_bot=True),
    }
    for code, who in strangers.items():
        refusal = authorise(who, asked, by)
        assert refusal is not None
        assert refusal.code == code
    ours = authorise(caller(role, ours=True), asked, by)
    assert ours is not None
    assert ours.code == "bot"
    token = authorise(caller(role, TOKEN), asked, by)
    assert (token.code if token else "") == ("needs_second_person" if verb == "approve" else "")
    unlinked = authorise(caller(role, CHAT), asked, by)
    reads = verb in (*READ, "help", "whoami", "link")
    assert (unlinked.code if unlinked else "") == ("" if reads else "unlinked")


GRANTS: list[tuple[dict[str, object], Caller, bool]] = [
    ({"roles": ["maintainer"]}, caller("owner"), True),
    ({"roles": ["maintainer"]}, caller("developer"), False),
    ({"roles": ["owner", "developer"]}, caller("developer"), True),
    ({"groups": ["demo/captains"]}, caller("none", groups=("demo/captains",)), True),
    ({"groups": ["demo/captains"]}, caller("owner", groups=("demo/captain",)), False),
    ({"users": ["Maintainer"]}, caller("none"), True),
    ({"users": ["maintainers"]}, caller("owner"), False),
    ({"users": ["7"]}, caller("owner"), False),
]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb in NEEDED])
@pytest.mark.parametrize(("people", "who", "among"), GRANTS)
def test_a_grant_lets_exactly_its_people(verb: str, people: dict[str, object], who: Caller, among: bool) -> None:
    by = policy([{"may": [verb], "in": ["staging"], "applications": [APPLICATION], **people}])

    for environment in ENVIRONMENTS:
        for asked in VERBS:
            if asked not in NEEDED:
                continue
            expected = among and asked == verb and environment == "staging" and verb not in ("freeze", "thaw")
            assert (authorise(who, right(asked, environment), by) is None) == expected, (asked, environment)


@pytest.mark.parametrize("verb", ["freeze", "thaw"])
def test_what_is_about_every_application_takes_a_grant_for_all_of_them(verb: str) -> None:
    some = policy([{"may": ["*"], "applications": [APPLICATION], "roles": ["guest"]}])
    every = policy([{"may": ["*"], "roles": ["guest"]}])

    assert authorise(caller("owner"), right(verb, "staging"), some) is not None
    assert authorise(caller("guest"), right(verb, "staging"), every) is None


def test_what_no_grant_says_is_refused_whoever_asks() -> None:
    nobody = policy([{"may": ["help"], "users": ["someone-else"]}])

    refusal = authorise(caller("owner"), right("promote", "staging"), nobody)

    assert refusal is not None
    assert refusal.needed == "nobody is granted it: the policy's access block says who"


PEOPLE = st.fixed_dictionaries(
    {},
    optional={
        "roles": st.lists(st.sampled_from(ROLES[2:]), min_size=1, max_size=2),
        "groups": st.lists(st.sampled_from(["demo/a", "demo/b"]), min_size=1, max_size=2),
        "users": st.lists(st.sampled_from(["maintainer", "reviewer"]), min_size=1, max_size=2),
    },
).filter(bool)
GRANT = st.builds(
    lambda people, may, where, what: {**people, "may": may, **where, **what},
    PEOPLE,
    st.lists(st.sampled_from([*NEEDED, "*"]), min_size=1, max_size=3),
    st.fixed_dictionaries({}, optional={"in": st.lists(st.sampled_from(list(ENVIRONMENTS)), min_size=1, max_size=2)}),
    st.fixed_dictionaries({}, optional={"applications": st.just([APPLICATION])}),
)


def is_among(who: Caller, people: dict[str, list[str]]) -> bool:
    """Said anew: by name, by group, or by a role that is strong enough."""
    if who.principal.name in people.get("users", []):
        return True
    if any(group in people.get("groups", []) for group in who.groups):
        return True
    return any(ROLES.index(who.role) >= ROLES.index(role) for role in people.get("roles", []))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(GRANT, min_size=1, max_size=4),
    st.sampled_from(ROLES),
    st.sampled_from(["maintainer", "reviewer", "stranger"]),
    st.lists(st.sampled_from(["demo/a", "demo/b"]), max_size=1),
    st.sampled_from(list(NEEDED)),
    st.sampled_from(list(ENVIRONMENTS)),
)
def test_whatever_is_granted_nobody_outside_of_it_passes(
    grants: list[dict[str, list[str]]], role: Role, name: str, groups: list[str], verb: str, environment: str
) -> None:
    who = caller(role, Principal(kind="gitlab", id="9", name=name), groups=tuple(groups))

    passes = authorise(who, right(verb, environment), policy(grants)) is None

    covering = [
        grant
        for grant in grants
        if (verb in grant["may"] or "*" in grant["may"])
        and environment in grant.get("in", [environment])
        and not (verb in ("freeze", "thaw") and "applications" in grant)
    ]
    assert passes == any(is_among(who, grant) for grant in covering)


def test_the_page_says_what_the_table_says() -> None:
    rows = re.findall(r"^\| (`[^|]+) \| ([a-z]+) \| ([a-z]+) \|$", PAGE, re.MULTILINE)
    told = {verb: (low, high) for verbs, low, high in rows for verb in re.findall(r"`(?:--)?([a-z-]+)`", verbs)}

    assert told.pop("skip") == NEEDED["override"]
    expected = {**NEEDED, **dict.fromkeys(("help", "whoami", "link"), ("everybody", "everybody"))}
    assert told == expected
