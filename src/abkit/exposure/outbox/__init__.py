"""Events on disk until they are delivered."""

from typing import TYPE_CHECKING

from abkit.lazy_names import lazy_names

if TYPE_CHECKING:
    from abkit.exposure.outbox.outbox import Outbox

__all__ = ["Outbox"]

_PLACES = {"Outbox": "abkit.exposure.outbox.outbox"}

__getattr__, __dir__ = lazy_names(globals(), _PLACES)
