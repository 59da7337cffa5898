"""Who a request is about."""

from collections.abc import Mapping
from typing import Any


def of(request: Any) -> Mapping[str, object]:
    """The signed-in user, in the organization of the session."""
    user = request.user if request.user.is_authenticated else None
    return {"org": request.session.get("org"), "actor": user, "user": user}
