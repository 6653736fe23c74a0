"""A run is joined to the promotions it is about: it names them, and links the run in which each of them began.

A promotion lives for hours and its runs are many traces; by `sluice.promotion` all of them are found at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opentelemetry.trace import Link, Span

from bot.actions import (
    Action,
    ClosePromotion,
    LiftPin,
    MergePromotion,
    MergeRollback,
    OpenIncident,
    PlaceTag,
    ProposePromotion,
    PublishGates,
    RecordPromotion,
    RevokeDenial,
    RollBack,
    TellPromotion,
    TellSource,
    WriteCommitStatus,
    WriteDeployment,
    WriteSticky,
)
from bot.records import Promotion
from bot.tracing import spans
from bot.tracing.carried import context_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionMark:
    """What tracing needs to know of a promotion. trace: of the run in which it began, empty when that is unknown.

    release: what people call its release; release_id and commit are that release's, too.
    moved_to: the state this run brings it to, empty for none.
    """

    id: str
    release_id: str
    release: str
    commit: str
    merge_request: int | None
    trace: str
    moved_to: str = ""


def join(span: Span, actions: Iterable[Action], known: Sequence[PromotionMark]) -> None:
    """Tell the span of a run which promotions its actions are about. known: those of its environment, newest first.

    The newest stands on the run itself. Any other, say one that it supersedes, gets a span of its own below, because
    a search compares an attribute with one text.
    """
    for place, mark in enumerate(concerned(actions, known)):
        attributes = _attributes(mark)
        began = context_of(mark.trace)
        links = [Link(began, attributes)] if began and began.trace_id != span.get_span_context().trace_id else []
        if place:
            spans.TRACER.start_span("promotion", attributes=attributes, links=links).end()
            continue
        span.set_attributes(attributes)
        for link in links:
            span.add_link(link.context, link.attributes)


def concerned(actions: Iterable[Action], known: Sequence[PromotionMark]) -> list[PromotionMark]:
    """The promotions that the actions are about, each once, the newest first."""
    order = {mark.id: place for place, mark in enumerate(known)}
    found: dict[str, PromotionMark] = {}
    for action in actions:
        mark = _of(action, known)
        if mark is not None and (mark.moved_to or mark.id not in found):
            found[mark.id] = mark
    return sorted(found.values(), key=lambda mark: order.get(mark.id, -1))


def _of(action: Action, known: Sequence[PromotionMark]) -> PromotionMark | None:
    match action:
        case RecordPromotion(promotion=promotion):
            return _moved(promotion, known)
        case WriteDeployment(promotion=named):
            # After a rollback it names what runs again and what was taken back.
            return _first(mark for mark in known if mark.id in named.split(":"))
        case WriteCommitStatus(sha=sha):
            return _first(mark for mark in known if mark.commit == sha)
        case ClosePromotion(merge_request=number):
            return _first(mark for mark in known if mark.merge_request == number)
        case RevokeDenial(version=version):
            return _first(mark for mark in known if mark.release == version)
        case PublishGates() | PlaceTag():
            return _first(known)
        case (
            ProposePromotion(release=release)
            | WriteSticky(release=release)
            | MergePromotion(release=release)
            | RollBack(release=release)
            | MergeRollback(release=release)
            | LiftPin(release=release)
            | OpenIncident(release=release)
            | TellPromotion(release=release)
            | TellSource(release=release)
        ):
            return _first(mark for mark in known if mark.release_id == release.id)
        case _:
            return None


def _moved(promotion: Promotion, known: Sequence[PromotionMark]) -> PromotionMark:
    before = _first(mark for mark in known if mark.id == promotion.id)
    return PromotionMark(
        id=promotion.id,
        release_id=promotion.release.id,
        release=promotion.release.name,
        commit=promotion.release.commit,
        merge_request=promotion.merge_request,
        trace=before.trace if before else "",
        moved_to=promotion.state,
    )


def _first(marks: Iterable[PromotionMark]) -> PromotionMark | None:
    return next(iter(marks), None)


def _attributes(mark: PromotionMark) -> dict[str, str]:
    state = {"sluice.promotion.state": mark.moved_to} if mark.moved_to else {}
    return {"sluice.promotion": mark.id, "sluice.release": mark.release, **state}
