"""The variants that visitors keep of sticky experiments: in a signed cookie of their own.

A visitor's request holds them while an experiment is asked for, and says afterwards whether there are more.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain

from abkit.errors import DeclarationError
from abkit.events import Variant, variant_text
from abkit.experiments.deciding.sticky import Recall, Recalled
from abkit.experiments.declaring.declaration import Declaration
from abkit.integrations.visitors.cookie import VisitorCookieSigner

SUFFIX = "_variants"
"""The cookie has the name of the visitor's own, and this."""
_LONGEST = 3_000
"""Characters; browsers take 4,096 with the name and the attributes."""


class KeptVariants:
    """What one visitor keeps, as one request sees it.

    Args:
        visitor_id: Whose they are: the cookie of another visitor has nothing to say.
        cookie: The value of the cookie; None if there is none.
        signer: Returns what reads and writes it.
        more: The values of the other cookies of its name; they are asked for if this one is another's.
    """

    def __init__(
        self,
        visitor_id: str,
        cookie: str | None,
        signer: Callable[[], VisitorCookieSigner],
        *,
        more: Iterable[str] = (),
    ) -> None:
        self.visitor_id = visitor_id
        self._cookie = cookie or ""
        self._more = more
        self._signer = signer
        self._variants: dict[str, str] | None = None
        self.has_changed: bool = False

    @property
    def variants(self) -> Mapping[str, str]:
        """The texts of the variants by the names of the experiments, in the order of their exposures."""
        return self._read()

    def keep(self, experiment: str, variant: str) -> None:
        """Keep a variant in the place of what was kept."""
        variants = self._read()
        if variants.get(experiment) != variant:
            variants[experiment] = variant
            self.has_changed = True

    def renew(self) -> None:
        """Have what is kept written anew, if there is anything."""
        self.has_changed = bool(self._read())

    def written(self) -> str:
        """The value of the cookie; if it would be too long, without what was kept first."""
        variants = [*self._read().items()]
        while True:
            text = json.dumps(dict(variants), separators=(",", ":")).encode()
            content = base64.urlsafe_b64encode(text).decode()
            if len(content) <= _LONGEST:
                return content + "." + self._signer().signature(self._signed(content))
            del variants[0]

    def _read(self) -> dict[str, str]:
        if self._variants is None:
            self._variants = self._parsed()
        return self._variants

    def _parsed(self) -> dict[str, str]:
        for cookie in chain((self._cookie,), self._more):
            content, _, signature = cookie.rpartition(".")
            if content and self._signer().has_signed(self._signed(content), signature):
                found: dict[str, str] = json.loads(base64.urlsafe_b64decode(content))
                return found
        return {}

    def _signed(self, content: str) -> str:
        return f"{SUFFIX}.{self.visitor_id}.{content}"


_current: ContextVar[KeptVariants | None] = ContextVar("abkit_kept_variants", default=None)


@contextmanager
def keeping(kept: KeptVariants | None) -> Iterator[None]:
    """Let sticky experiments on visitors read and keep these variants within."""
    token = _current.set(kept)
    try:
        yield
    finally:
        _current.reset(token)


class VisitorVariants:
    """The variants that visitors keep in their cookie; a `StickyVariantSource`."""

    def of(self, declaration: Declaration, /) -> "VisitorVariantsOf":
        """Those of an experiment, as it is in force."""
        return VisitorVariantsOf(declaration)

    def __repr__(self) -> str:
        return "<VisitorVariants in a cookie>"


class VisitorVariantsOf:
    """The variants of one experiment that visitors keep in their cookie; a `Kept`.

    Outside of a visitor's request nothing is kept: there is no cookie.
    """

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration
        self._known = {variant_text(variant): variant for variant in declaration.variants}

    @property
    def recall(self) -> Recall:
        """As `Kept.recall`."""
        return self._recall

    def consult(self, unit_id: str, /) -> Recalled:
        """As `Kept.consult`."""
        text = self._text(unit_id)
        if text is None:
            return Recalled(None, "the visitor's cookie keeps nothing for the unit")
        variant = self._meant(text)
        if variant is None:
            return Recalled(None, f"the visitor's cookie keeps {text!r}, which is not declared")
        return Recalled(variant, f"{variant!r}, kept by the visitor's cookie")

    def keep(self, unit_id: str, variant: Variant, /) -> None:
        """As `Kept.keep`."""
        kept = _current.get()
        if kept is not None and kept.visitor_id == unit_id and self._recall(unit_id) is None:
            kept.keep(self._declaration.name, variant_text(variant))

    def _recall(self, unit_id: str) -> Variant | None:
        text = self._text(unit_id)
        return None if text is None else self._meant(text)

    def _text(self, unit_id: str) -> str | None:
        kept = _current.get()
        if kept is None or kept.visitor_id != unit_id:
            return None
        return kept.variants.get(self._declaration.name)

    def _meant(self, text: str) -> Variant | None:
        """The declared variant; None if there is none of that name any more."""
        if self._declaration.variants:
            return self._known.get(text)
        try:
            return self._declaration.variant_of(text)
        except DeclarationError:
            return None
