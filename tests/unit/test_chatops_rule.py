"""Commands are checked, authorised, decided and answered one at a time; what never runs leaves nothing behind."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from command_worlds import (
    BOUND,
    CHANGE,
    KEY,
    MAINTAINER,
    PLACE,
    WORDS,
    caller,
    code,
    command,
    decided,
    left,
    named,
    note,
    thread,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    OLD,
    PRODUCTION,
    STAGING,
    STRANGER,
    TENANT,
    Memory,
    denial_of,
    failure_of,
    hold_of,
    of_type,
    only,
    pin_of,
    policy_of,
    promotion,
    record,
    release,
    request_of,
    seen,
)

from bot.actions import (
    DiffTold,
    Helped,
    KeepApproval,
    KeepFreeze,
    KeepHold,
    LiftHolds,
    LookAgain,
    MarkTold,
    OpenRequest,
    React,
    RedeemCode,
    Refused,
    Reply,
    SettleCommand,
    StatusTold,
    Thaw,
    Told,
    WhoAmI,
    WhoCan,
    WhyTold,
)
from bot.observing import (
    Approval,
    Bound,
    Caller,
    Comparison,
    Explanation,
    Fault,
    Freeze,
    Involved,
    Principal,
    Spoken,
    StandingLine,
)
from handlers import FORMS
from handlers.chatops.never import OLDEST
from handlers.chatops.rule import BY_NAME

HOLD = named(STAGING, "hold", reason="an audit")
CHANGING = sorted(form.name for form in FORMS if form.changes and form.name != "link")
TOKEN = Principal(kind="token", id="ops", name="ops")
CHAT = Principal(kind="chat", id="T/U", name="someone")
SLACK = replace(PLACE, door="slack", chat="team", note=0, message="m")


def saying(verb: str) -> Spoken:
    """A line with all that its verb needs."""
    needs = {"allow": NEW, "promote": NEW}.get(verb)
    return named(STAGING, verb, needs, reason="because")


def test_a_thread_with_nothing_to_do_is_left_alone() -> None:
    decision = decided(thread())

    assert (decision.kind, decision.actions) == ("skip", ())


def test_what_is_carried_out_is_recorded_settled_and_shown_by_one_emoji() -> None:
    decision = decided(thread(command(HOLD)))

    hold = only(decision, KeepHold).hold
    assert (hold.key, hold.principal, hold.because, hold.until) == (STAGING, "maintainer", "an audit", None)
    assert (only(decision, SettleCommand).outcome, code(decision)) == ("done", "ok")
    assert only(decision, React).emoji == "white_check_mark"
    assert of_type(decision, Reply) == []
    kinds = [type(action) for action in decision.actions]
    assert kinds.index(KeepHold) < kinds.index(React)
    assert kinds.index(SettleCommand) < kinds.index(React)


def test_a_refusal_is_shown_and_answered() -> None:
    decision = decided(thread(command(HOLD), who=caller("guest")))

    assert (code(decision), only(decision, React).emoji, left(decision)) == ("not_allowed", "x", [])
    answer = only(decision, Reply).answer
    assert isinstance(answer, Refused)
    assert (answer.rule, answer.found) == ("who may hold in staging", "maintainer is guest of its project")
    assert answer.needed == answer.who == "a developer of the application's project"
    assert answer.next == "`who-can hold in staging`"


def test_commands_of_a_thread_run_one_at_a_time_and_in_order() -> None:
    first, second = command(HOLD, id="c1"), command(named(STAGING, "unhold"), id="c2")

    decision = decided(thread(first, second))

    assert only(decision, SettleCommand).command == first
    assert only(decision, LookAgain).keys == (KEY,)
    assert of_type(decided(thread(second)), LookAgain) == []


NEVER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("edited_note", {"place": replace(PLACE, edited=True)}, {}),
    ("fork", {"place": replace(PLACE, fork=True)}, {}),
    ("note_changed", {}, {"notes": {}}),
    ("note_changed", {}, {"notes": {40: replace(note(), words="0" * 64)}}),
    ("note_changed", {}, {"notes": {40: replace(note(), author="8")}}),
    ("note_changed", {}, {"notes": {40: replace(note(), edited=True)}}),
    ("too_old", {"said_at": NOW - OLDEST - timedelta(seconds=1)}, {}),
]


@pytest.mark.parametrize("verb", CHANGING)
@pytest.mark.parametrize(("why", "said", "world"), NEVER)
def test_what_never_runs_leaves_nothing_whoever_said_it(
    verb: str, why: str, said: dict[str, Any], world: dict[str, Any]
) -> None:
    decision = decided(thread(command(saying(verb), **said), who=caller("owner"), **world))

    assert (code(decision), left(decision)) == (why, [])
    assert isinstance(only(decision, Reply).answer, Refused)
    assert only(decision, React).emoji == "x"


@pytest.mark.parametrize("verb", CHANGING)
@pytest.mark.parametrize(
    "who", [caller("owner", ours=True), caller("owner", is_bot=True), caller("owner", ours=True, is_bot=True)]
)
@pytest.mark.parametrize("edited", [False, True])
def test_bots_and_ourselves_are_neither_obeyed_nor_answered(verb: str, who: Caller, edited: bool) -> None:
    place = replace(PLACE, edited=edited)

    decision = decided(thread(command(saying(verb), place=place), who=who))

    assert (code(decision), left(decision)) == ("bot", [])
    assert (of_type(decision, Reply), of_type(decision, React)) == ([], [])


def test_the_end_of_a_request_is_told_though_a_bot_speaks_next() -> None:
    ended = command(saying("promote"), id="c0", state="done", because="!3 is merged", code="ok")
    memory = thread(command(HOLD), who=caller(is_bot=True), ended_untold={KEY: (ended,)})

    decision = decided(memory)

    assert only(decision, MarkTold).command == "c0"
    assert only(decision, React).command == "c0"


@pytest.mark.parametrize("age", [OLDEST, timedelta(), -timedelta(minutes=1)])
def test_a_fresh_note_runs(age: timedelta) -> None:
    assert code(decided(thread(command(HOLD, said_at=NOW - age)))) == "ok"


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (caller("owner", found=False), "unknown_caller"),
        (caller("owner", active=False), "blocked"),
        (caller("none"), "not_allowed"),
    ],
)
@pytest.mark.parametrize("verb", CHANGING)
def test_who_may_not_leaves_nothing(verb: str, who: Caller, why: str) -> None:
    decision = decided(thread(command(saying(verb)), who=who))

    assert (code(decision), left(decision)) == (why, [])


@pytest.mark.parametrize("fault", ["unknown_verb", "bad_argument", "unknown_name", "ask", "look_alike"])
def test_what_cannot_be_understood_is_asked_for_once(fault: str) -> None:
    decision = decided(thread(command(Fault(code=fault, because="no such thing", do="Write it so."))))

    answer = only(decision, Reply).answer
    assert isinstance(answer, Refused)
    assert (answer.code, answer.found, answer.next) == (fault, "no such thing", "Write it so.")
    assert left(decision) == []


def test_an_internal_note_is_answered_where_it_was_said() -> None:
    internal = replace(PLACE, internal=True)

    decision = decided(thread(command(HOLD, place=internal), who=caller("guest")))

    assert only(decision, Reply).place == internal


@pytest.mark.parametrize("verb", CHANGING)
def test_a_chat_account_that_nobody_vouches_for_only_reads(verb: str) -> None:
    who = caller("none", CHAT)

    changing = decided(thread(command(saying(verb), place=SLACK, principal=CHAT), who=who))
    reading = decided(thread(command(Spoken(verb="whoami"), place=SLACK, principal=CHAT), who=who))

    assert (code(changing), left(changing)) == ("unlinked", [])
    assert of_type(changing, React) == []
    assert code(reading) == "ok"


def test_a_chat_sees_changes_and_only_the_caller_sees_refusals() -> None:
    linked = caller()
    said = command(named(STAGING, "hold", reason="x", dry_run=True), place=SLACK, principal=CHAT)

    told = decided(thread(said, who=linked))
    refused = decided(thread(command(HOLD, place=SLACK, principal=CHAT), who=caller("guest")))
    read = decided(thread(command(Spoken(verb="whoami"), place=SLACK, principal=CHAT), who=linked))

    assert (only(told, Reply).public, only(refused, Reply).public, only(read, Reply).public) == (True, False, False)


@pytest.mark.parametrize("verb", [verb for verb in CHANGING if "--dry-run" in BY_NAME[verb].form.flags])
def test_a_dry_run_says_what_would_happen_and_leaves_nothing(verb: str) -> None:
    memory = thread(command(replace(saying(verb), dry_run=True), bound=Bound() if verb == "rollback" else BOUND))
    if verb == "unhold":
        memory.known_holds = (hold_of(STAGING),)
    if verb == "thaw":
        memory.known_freezes = (FROZEN,)
    if verb == "cancel":
        memory.asked = (ASKED,)
    if verb == "retry":
        memory.known_promotions = (promotion(STAGING, NEW, "failed"), promotion(STAGING, OLD, baseline=True))
    if verb in ("rollback", "allow"):
        memory.environments = {STAGING: seen(STAGING, NEW)}

    decision = decided(memory)

    assert (code(decision), left(decision)) == ("ok", [])
    answer = only(decision, Reply).answer
    assert isinstance(answer, Told)
    assert answer.dry_run


ASKED = replace(
    request_of(STAGING, "promote", NEW.version), release_id=NEW.id, account="9", principal="release-captain"
)
FROZEN = Freeze(tenant=TENANT, environment="staging", principal="maintainer", because="x", since=NOW)

ENDS = [
    ("done", "ok", "white_check_mark", None),
    ("refused", "declined", "x", "declined"),
    ("refused", "superseded", "x", "superseded"),
    ("refused", "nonsense", "x", "failed"),
]


@pytest.mark.parametrize(("state", "settled", "emoji", "told"), ENDS)
def test_the_end_of_a_request_is_told_once_where_it_was_asked_for(
    state: Any, settled: str, emoji: str, told: str | None
) -> None:
    ended = command(saying("promote"), state=state, because="so it ended", code=settled)

    decision = decided(thread(ended_untold={KEY: (ended,)}))

    assert only(decision, React).emoji == emoji
    assert only(decision, MarkTold).command == "c1"
    answers = [reply.answer for reply in of_type(decision, Reply)]
    assert [answer.code for answer in answers if isinstance(answer, Refused)] == ([told] if told else [])
    assert decided(thread()).actions == ()


def test_a_chat_is_told_of_a_good_end_too() -> None:
    ended = command(saying("promote"), place=SLACK, state="done", because="!3 is merged", code="ok")

    answer = only(decided(thread(ended_untold={KEY: (ended,)})), Reply).answer

    assert answer == Told(because="!3 is merged")


@pytest.mark.parametrize("verb", ["promote", "rollback", "allow", "retry", "cancel", "reject"])
def test_a_request_names_the_very_release_and_the_account_behind_a_chat(verb: str) -> None:
    said = command(replace(saying(verb), version="v1.1.0" if verb != "retry" else ""), place=SLACK, principal=CHAT)
    memory = thread(said)
    if verb in ("rollback", "allow"):
        memory.environments = {STAGING: seen(STAGING, NEW)}
    if verb == "cancel":
        memory.asked = (ASKED,)
    if verb == "retry":
        memory.known_promotions = (promotion(STAGING, NEW, "failed"), promotion(STAGING, OLD, baseline=True))

    decision = decided(memory)

    opened = only(decision, OpenRequest)
    assert (opened.kind, opened.key, opened.version, opened.release_id) == (verb, STAGING, "1.1.0", NEW.id)
    assert opened.principal == MAINTAINER
    assert of_type(decision, SettleCommand) == []


def test_a_request_on_a_note_is_shown_as_seen_until_it_ends() -> None:
    decision = decided(thread(command(saying("promote"))))

    assert only(decision, React).emoji == "eyes"
    assert of_type(decision, Reply) == []


@pytest.mark.parametrize("verb", ["promote", "rollback", "allow", "retry"])
@pytest.mark.parametrize("changes", [{"policy": policy_of(staging={"mode": "observe"})}, {"adopted": STRANGER}])
def test_nothing_is_asked_for_where_the_bot_may_not_act(verb: str, changes: dict[str, Any]) -> None:
    decision = decided(replace(thread(command(saying(verb))), **changes))

    assert (code(decision), left(decision)) == ("not_in_act_mode", [])


MOVED = [
    ("approve", {}, {"release_id": OLD.id, "release": "1.0.0"}, "release_changed"),
    ("approve", {}, {"change": "b" * 64}, "release_changed"),
    ("approve", {}, {"change": ""}, "release_changed"),
    ("approve", {}, {}, "ok"),
    ("reject", {}, {"release_id": OLD.id, "release": "1.0.0"}, "release_changed"),
    ("reject", {}, {"change": "b" * 64}, "release_changed"),
    ("reject", {}, {"release_id": "", "release": "", "change": ""}, "release_changed"),
    ("reject", {}, {"change": ""}, "open"),
    ("cancel", {}, {"release_id": OLD.id, "release": "1.0.0"}, "release_changed"),
    ("cancel", {}, {"release_id": "", "release": "", "change": ""}, "open"),
    ("promote", {}, {"release_id": OLD.id, "release": "1.0.0"}, "release_changed"),
    ("promote", {"version": "1.1.0"}, {"release_id": OLD.id, "release": "1.0.0"}, "open"),
    ("promote", {}, {"release_id": "", "release": "", "change": ""}, "open"),
]


@pytest.mark.parametrize(("verb", "said", "bound", "outcome"), MOVED)
def test_a_command_holds_for_what_was_there_when_it_was_said(
    verb: str, said: dict[str, Any], bound: dict[str, Any], outcome: str
) -> None:
    line = replace(named(STAGING, verb, reason="x"), **said)
    memory = thread(command(line, bound=replace(BOUND, **bound)))
    if verb == "cancel":
        memory.asked = (ASKED,)

    assert code(decided(memory)) == outcome


@pytest.mark.parametrize("version", ["", "1.1.0"])
def test_a_rollback_without_a_version_means_what_ran_when_it_was_said(version: str) -> None:
    memory = thread(command(named(STAGING, "rollback", reason="x", version=version)), waits=None)
    memory.environments = {STAGING: seen(STAGING, NEW)}
    memory.known_promotions = (promotion(STAGING, NEW), promotion(STAGING, OLD, baseline=True))

    assert code(decided(memory)) == ("open" if version else "release_changed")


def approving(*given_: Approval, **more: Any) -> Memory:
    """Somebody approves what waits."""
    return replace(thread(command(named(STAGING, "approve"))), known_approvals=given_, **more)


def test_an_approval_is_bound_to_release_and_change() -> None:
    kept = only(decided(approving()), KeepApproval).approval

    assert (kept.release_id, kept.change, kept.principal, kept.command) == (NEW.id, CHANGE, MAINTAINER, "c1")


@pytest.mark.parametrize("role", ["requester", "author", "committer", "merger", "last_pusher"])
def test_nobody_approves_what_they_are_part_of(role: Any) -> None:
    involved = Involved(people=((role, MAINTAINER.id),))

    decision = decided(approving(known_involved=involved))

    assert (code(decision), left(decision)) == ("self_approval", [])


def test_who_asked_for_it_does_not_approve_it() -> None:
    mine = replace(ASKED, account=MAINTAINER.id)

    assert code(decided(approving(asked=(mine,)))) == "self_approval"
    assert code(decided(approving(asked=(ASKED,)))) == "ok"


def test_nobody_approves_twice() -> None:
    given_ = Approval(key=STAGING, release_id=NEW.id, change=CHANGE, principal=MAINTAINER, door="note", at=NOW)

    assert code(decided(approving(given_))) == "already"
    assert code(decided(approving(replace(given_, change="b" * 64)))) == "ok"


def test_who_does_not_count_is_told_so() -> None:
    by = policy_of(staging={"approvals": {"required": 1, "from": {"users": ["release-captain"]}}})

    assert code(decided(approving(policy=by))) == "not_allowed"


def test_no_token_approves() -> None:
    by_api = replace(PLACE, door="api", thread="api:token:ops")
    memory = thread(command(named(STAGING, "approve"), place=by_api, principal=TOKEN), who=caller("none", TOKEN))

    assert code(decided(memory)) == "needs_second_person"


@pytest.mark.parametrize("version", ["1.2.0", "7.7.7"])
def test_a_version_that_is_named_must_be_what_waits(version: str) -> None:
    memory = thread(command(named(STAGING, "approve", version=version)))
    memory.known_releases = (record(NEWER), *memory.known_releases)

    assert code(decided(memory)) == ("release_changed" if version == "1.2.0" else "unknown_name")


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_there_must_be_something_to_say_yes_or_no_to(verb: str) -> None:
    memory = thread(command(named(STAGING, verb, reason="x"), bound=Bound()), waits=None)

    assert code(decided(memory)) == "nothing_to_do"


DENIED = {"environments": {STAGING: seen(STAGING, OLD, denials=(denial_of(NEW),))}}
PINNED = {"environments": {STAGING: seen(STAGING, OLD, pin=pin_of(OLD, NEWER))}}
PROMOTE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"version": "1.1.0"}, {}, "open"),
    ({"version": "v1.1.0"}, {}, "open"),
    ({}, {}, "open"),
    ({"version": "1.0.0"}, {}, "already"),
    ({"version": "1.1.1"}, {}, "unknown_name"),
    (
        {"version": "1.1.0"},
        {"environments": {STAGING: seen(STAGING, OLD, denials=(denial_of(NEW),))}},
        "never_overridable",
    ),
    (
        {"version": "1.1.0"},
        {"environments": {STAGING: seen(STAGING, OLD, pin=pin_of(OLD, NEWER))}},
        "never_overridable",
    ),
    ({"version": "1.1.0", "override": ("not denied",)}, {}, "never_overridable"),
    ({"version": "1.1.0", "override": ("merge-proof",)}, {}, "never_overridable"),
    ({"version": "1.1.0", "override": ("no-freeze",)}, {}, "open"),
    ({"version": "1.1.0", "override": ("no-freeze",), "reason": ""}, {}, "bad_argument"),
    ({"version": "1.1.0", "skip": ("dev",)}, {}, "open"),
    ({"version": "1.1.0", "skip": ("production",)}, {}, "unknown_name"),
    ({"version": "1.1.0", "skip": ("dev",), "reason": ""}, {}, "bad_argument"),
    ({"version": "1.1.0"}, {"asked": (replace(ASKED, release_id=NEWER.id, version="1.2.0"),)}, "conflict"),
    ({"version": "1.1.0", "replace": True}, {"asked": (replace(ASKED, release_id=NEWER.id),)}, "open"),
    ({"version": "1.1.0"}, {"asked": (ASKED,)}, "already"),
    ({"version": "1.1.0", "override": ("no-hold",)}, {"asked": (ASKED,)}, "open"),
    ({"version": "1.1.0", "override": ("no-hold",)}, {"asked": (replace(ASKED, override=("no hold",)),)}, "already"),
    ({"version": "1.1.0"}, {"policy": policy_of(staging={"delivery": "observe"})}, "nothing_to_do"),
]


@pytest.mark.parametrize(("said", "world", "outcome"), PROMOTE)
def test_what_can_be_promoted_is_checked_when_it_is_said(
    said: dict[str, Any], world: dict[str, Any], outcome: str
) -> None:
    line = replace(named(STAGING, "promote", reason="x"), **said)

    decision = decided(replace(thread(command(line)), **world))

    assert code(decision) == outcome
    assert len(of_type(decision, OpenRequest)) == (outcome == "open")


@pytest.mark.parametrize("more", [{"skip": ("dev",)}, {"override": ("no-freeze",)}])
def test_passing_over_something_takes_a_right_of_its_own(more: dict[str, Any]) -> None:
    line = named(STAGING, "promote", NEW, reason="x", **more)

    assert code(decided(thread(command(line), who=caller("developer")))) == "not_allowed"
    assert code(decided(thread(command(replace(line, skip=(), override=())), who=caller("developer")))) == "open"
    assert code(decided(thread(command(line), who=caller("maintainer")))) == "open"


def test_without_a_version_the_newest_that_nothing_keeps_out_is_meant() -> None:
    memory = thread(command(named(STAGING, "promote"), bound=Bound()), waits=None)
    memory.known_releases = (record(release("1.3.0")), record(NEWER), *memory.known_releases)
    memory.environments = {STAGING: seen(STAGING, OLD, denials=(denial_of(release("1.3.0")),))}

    assert only(decided(memory), OpenRequest).version == "1.2.0"


def test_an_unknown_version_is_answered_with_those_there_are() -> None:
    answer = only(decided(thread(command(named(STAGING, "promote", version="1.1.1")))), Reply).answer

    assert isinstance(answer, Refused)
    assert "1.1.0" in answer.next


def test_what_a_person_took_back_is_not_retried_but_allowed() -> None:
    ended = promotion(STAGING, NEW, "rolled_back", failure=failure_of("unknown", "person"))
    memory = thread(command(named(STAGING, "retry")), waits=None)
    memory.known_promotions = (ended, promotion(STAGING, OLD, baseline=True))

    assert code(decided(memory)) == "never_overridable"
    allowing = replace(memory, said={KEY: (command(named(STAGING, "allow", NEW, reason="mended")),)})
    assert only(decided(allowing), OpenRequest).kind == "allow"


def test_only_what_was_asked_for_is_cancelled() -> None:
    assert code(decided(thread(command(named(STAGING, "cancel"))))) == "nothing_to_do"


@pytest.mark.parametrize(
    ("end", "until", "outcome"),
    [
        ({}, None, "ok"),
        ({"lasts": timedelta(hours=2)}, NOW + timedelta(hours=2), "ok"),
        ({"until": NOW + timedelta(days=1)}, NOW + timedelta(days=1), "ok"),
        ({"until": NOW}, None, "bad_argument"),
    ],
)
@pytest.mark.parametrize("verb", ["hold", "freeze"])
def test_holds_and_freezes_last_as_long_as_was_said(
    verb: str, end: dict[str, Any], until: datetime | None, outcome: str
) -> None:
    decision = decided(thread(command(named(STAGING, verb, reason="x", **end))))

    assert code(decision) == outcome
    ends = [one.hold.until for one in of_type(decision, KeepHold)]
    ends += [one.freeze.until for one in of_type(decision, KeepFreeze)]
    assert ends == ([until] if outcome == "ok" else [])


def test_what_stands_is_lifted_and_thawed_in_the_name_of_who_said_it() -> None:
    lifting = decided(thread(command(named(STAGING, "unhold")), known_holds=(hold_of(STAGING),)))
    thawing = decided(thread(command(named(STAGING, "thaw")), known_freezes=(FROZEN,)))

    assert only(lifting, LiftHolds).principal == "maintainer"
    thawed = only(thawing, Thaw)
    assert (thawed.tenant, thawed.environment, thawed.principal) == (TENANT, "staging", "maintainer")


@pytest.mark.parametrize("verb", ["unhold", "thaw"])
def test_there_must_be_something_to_lift(verb: str) -> None:
    over = NOW - timedelta(minutes=1)
    memory = thread(command(named(STAGING, verb)))
    memory.known_holds, memory.known_freezes = (hold_of(STAGING, until=over),), (replace(FROZEN, until=over),)

    assert code(decided(memory)) == "nothing_to_do"


def test_freezing_what_follows_its_build_is_refused() -> None:
    by = policy_of(staging={"delivery": "observe"})

    assert code(decided(thread(command(named(STAGING, "freeze", reason="x")), policy=by))) == "nothing_to_do"


def test_the_name_that_gitlab_knows_is_kept_not_the_one_that_was_sent() -> None:
    renamed = Principal(kind="gitlab", id="7", name="new-name")

    hold = only(decided(thread(command(HOLD), who=caller("maintainer", renamed))), KeepHold).hold

    assert hold.principal == "new-name"


def answered(said: Spoken, **more: Any) -> Any:
    """The answer to a question."""
    memory = replace(thread(command(said, key=STAGING if said.environment else None)), **more)
    decision = decided(memory)
    assert (code(decision), left(decision)) == ("ok", [])
    return only(decision, Reply).answer


def test_questions_are_answered_and_change_nothing() -> None:
    lines = (
        StandingLine(key=STAGING, release="1.0.0", health="healthy"),
        StandingLine(key=PRODUCTION, release="1.0.0", health="failed"),
    )
    comparison = Comparison(brings=(), loses=(), url="https://gitlab.example/x")

    assert answered(Spoken(verb="status"), lines=lines) == StatusTold(lines=lines, at=NOW)
    assert answered(named(STAGING, "status"), lines=lines).lines == lines[:1]
    why = answered(named(STAGING, "why"), explanations={STAGING: Explanation(gates=(("pin", "green", "x"),))})
    assert why == WhyTold(key=STAGING, lines=(), gates=(("pin", "green", "x"),))
    diff = answered(named(STAGING, "diff"), comparisons={("1.0.0", "1.1.0"): comparison})
    assert isinstance(diff, DiffTold)
    assert (diff.running, diff.target, diff.url) == (OLD, NEW, "https://gitlab.example/x")
    who = answered(Spoken(verb="who-can", about="promote", environment="staging"))
    assert who == WhoCan(verb="promote", lines=(("staging", "a developer of the application's project"),))
    me = answered(Spoken(verb="whoami"))
    assert isinstance(me, WhoAmI)
    assert (me.principal, me.role) == ("gitlab:7", "maintainer")


def test_help_marks_what_this_caller_may_not_say_here() -> None:
    helped = answered(Spoken(verb="help"), callers={str(MAINTAINER): caller("developer")})

    assert isinstance(helped, Helped)
    allowed = {line.usage.split()[0]: line for line in helped.lines}
    assert set(allowed) == {form.name for form in FORMS}
    assert (allowed["promote"].allowed, allowed["promote"].where) == (True, ("dev", "staging"))
    assert (allowed["freeze"].allowed, allowed["freeze"].where) == (False, ())
    assert len(answered(Spoken(verb="help", about="promote")).lines) == 1


def test_a_code_links_only_when_gitlab_says_it() -> None:
    said = Spoken(verb="link", about="ABCDEF")

    linked = decided(thread(command(said, key=None), live_codes=frozenset({"ABCDEF"})))
    in_chat = decided(thread(command(said, key=None, place=SLACK), live_codes=frozenset({"ABCDEF"})))

    assert only(linked, RedeemCode).principal == MAINTAINER
    assert (code(in_chat), left(in_chat)) == ("bad_argument", [])


def test_a_code_that_no_chat_gave_links_nothing() -> None:
    made_up = decided(thread(command(Spoken(verb="link", about="ABCDEF"), key=None)))

    assert (code(made_up), left(made_up)) == ("bad_argument", [])


WHO = st.builds(
    caller,
    st.sampled_from(["none", "guest", "reporter", "developer", "maintainer", "owner"]),
    st.sampled_from([MAINTAINER, TOKEN, CHAT]),
    found=st.booleans(),
    active=st.booleans(),
    is_bot=st.booleans(),
    ours=st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(
    WHO,
    st.sampled_from(CHANGING),
    st.sampled_from([STAGING, PRODUCTION]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([WORDS, "0" * 64]),
    st.booleans(),
)
def test_only_who_may_leaves_anything_whatever_else_is_so(
    who: Caller, verb: str, key: Any, edited: bool, fork: bool, words: str, internal: bool
) -> None:
    place = replace(PLACE, edited=edited, fork=fork, internal=internal)
    said = replace(saying(verb), environment=key.environment)
    memory = thread(command(said, key=key, place=place, principal=who.principal), who=who)
    memory.environments[PRODUCTION] = seen(PRODUCTION, OLD)
    memory.notes = {PLACE.note: replace(note(), words=words, author=who.principal.id)}

    decision = decided(memory)

    alive = who.found and who.active and not who.is_bot and not who.ours
    maintainers = verb in ("rollback", "allow", "freeze", "thaw") or key is PRODUCTION
    strong = who.role in (("maintainer", "owner") if maintainers else ("developer", "maintainer", "owner"))
    person = who.principal.kind == "gitlab" and strong
    may = alive and (person or (who.principal.kind == "token" and verb != "approve"))
    if not may or edited or fork or words != WORDS:
        assert left(decision) == []
        assert code(decision) not in ("ok", "open")


def test_the_answer_is_the_same_whoever_waits_behind() -> None:
    one, other = command(HOLD, id="c1"), command(saying("promote"), id="c2")
    alone, first = decided(thread(one)), decided(thread(one, other))

    assert first.actions[: len(alone.actions)] == alone.actions
