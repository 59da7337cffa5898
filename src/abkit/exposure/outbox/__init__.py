"""Events on disk until they are delivered."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abkit.lazy_names import lazy_names

if TYPE_CHECKING:
    from abkit.exposure.outbox.outbox import Outbox

__all__ = ["Outbox"]

_PLACES = {"Outbox": "abkit.exposure.outbox.outbox"}

__getattr__: Callable[[str], Any]
__dir__: Callable[[], list[str]]
__getattr__, __dir__ = lazy_names(globals(), _PLACES)
