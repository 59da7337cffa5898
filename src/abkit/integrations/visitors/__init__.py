"""Visitors, who need not be signed in: how they are recognized, and who the one of a request is."""

from abkit.integrations.visitors.options import MAX_AGE, NAME, Visitors, VisitorStats
from abkit.integrations.visitors.request_visitor import (
    RequestVisitor,
    VisitorRequest,
    is_bot,
    signer_of,
)

__all__ = [
    "MAX_AGE",
    "NAME",
    "RequestVisitor",
    "VisitorRequest",
    "VisitorStats",
    "Visitors",
    "is_bot",
    "signer_of",
]
