"""The verbs. Adding one: its file, its line here, its test."""

from handlers.chatops.verb import Verb
from handlers.chatops.verbs import (
    allow,
    approve,
    cancel,
    diff,
    freeze,
    help_,
    hold,
    link,
    promote,
    reject,
    retry,
    rollback,
    status,
    thaw,
    unhold,
    who_can,
    whoami,
    why,
)

OTHERS: tuple[Verb, ...] = (
    status.VERB,
    why.VERB,
    diff.VERB,
    promote.VERB,
    approve.VERB,
    reject.VERB,
    cancel.VERB,
    retry.VERB,
    rollback.VERB,
    allow.VERB,
    hold.VERB,
    unhold.VERB,
    freeze.VERB,
    thaw.VERB,
    who_can.VERB,
    whoami.VERB,
    link.VERB,
)
"""In the order `help` shows them."""
VERBS: tuple[Verb, ...] = (help_.verb_of(OTHERS), *OTHERS)
