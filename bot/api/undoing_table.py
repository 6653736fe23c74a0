"""What the API offers about rollbacks, allowances and holds."""

from bot.api.forms import CommandForm, CommandStoryForm, HoldsForm
from bot.api.operations import Operation, Parameter
from bot.api.undoing import Undoing
from bot.api.undoing_forms import AllowForm, HoldForm, RollbackForm, UnholdForm

COMMAND = Parameter(name="id", about="A command's id.")


def questions(undoing: Undoing, tenant: Parameter, application: Parameter) -> tuple[Operation, ...]:
    """What can be asked."""
    return (
        Operation(
            method="GET",
            path="/holds",
            name="holds",
            about="What is held now, the oldest first.",
            handler=undoing.holds,
            answers=HoldsForm,
            parameters=(tenant, application),
        ),
        Operation(
            method="GET",
            path="/commands/{id}",
            name="command",
            about="One command: who gave it, and its answer once it is settled.",
            handler=undoing.command,
            answers=CommandStoryForm,
            parameters=(COMMAND,),
        ),
    )


def commands(undoing: Undoing) -> tuple[Operation, ...]:
    """What can be commanded."""
    return (
        Operation(
            method="POST",
            path="/rollbacks",
            name="rollback",
            about="Take a release back: Git returns to the one that was healthy before it, and a pin keeps it there.",
            handler=undoing.rollback,
            answers=CommandForm,
            status=202,
            body=RollbackForm,
        ),
        Operation(
            method="POST",
            path="/allow",
            name="allow",
            about="Let a release in again that was taken back.",
            handler=undoing.allow,
            answers=CommandForm,
            status=202,
            body=AllowForm,
        ),
        Operation(
            method="POST",
            path="/holds",
            name="hold",
            about="Promote nothing into an environment for a while.",
            handler=undoing.hold,
            answers=CommandForm,
            status=202,
            body=HoldForm,
        ),
        Operation(
            method="POST",
            path="/holds/lift",
            name="unhold",
            about="Lift every hold of an environment.",
            handler=undoing.unhold,
            answers=CommandForm,
            status=202,
            body=UnholdForm,
        ),
    )
