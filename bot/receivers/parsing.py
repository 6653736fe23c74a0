"""The worker asks here what a stored delivery means; the endpoint it came by decides who reads it."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from bot.events import Delivery, Parsed, Unheard
from bot.receivers import flagger, flux, gitlab_events, registry

PARSERS: Final = MappingProxyType[str, Callable[[Delivery], Parsed]](
    {
        "gitlab": gitlab_events.parse,
        "flux": flux.parse,
        "flagger": flagger.parse,
        "gates": flagger.parse,
        "registry": registry.parse,
    }
)


def parse(delivery: Delivery) -> Parsed:
    """Say what a delivery means; never raises. A stored endpoint this version does not know is unheard."""
    parser = PARSERS.get(delivery.endpoint.partition("/")[0])
    return parser(delivery) if parser else Unheard(kind=f"endpoint {delivery.endpoint}")
