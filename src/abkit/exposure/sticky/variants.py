"""Sticky variants: a cache in this process in front of a store."""

import time
from typing import Any

from attrs import frozen

from abkit.errors import ConfigError, DeclarationError
from abkit.events import Variant, variant_text
from abkit.experiments.deciding.sticky import Recall, Recalled
from abkit.experiments.declaring.declaration import Declaration
from abkit.exposure.runtime.error_log import ErrorLog
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.exposure.sticky.cache import CachedVariant, VariantCache
from abkit.exposure.sticky.store import Choice, StickyKey, StickyStore, check_store
from abkit.exposure.sticky.store_reader import StoreReader
from abkit.exposure.sticky.store_writer import StoreWriter

_MOST_VARIANTS = 100


@frozen(kw_only=True)
class StickyStats:
    """A snapshot of the counts of `StickyVariants`. A forked child counts from 0.

    Attributes:
        looked_up: Look-ups in the store.
        unanswered: Look-ups that failed or timed out, so that the hash decided.
        gone: Times that a stored variant was no longer declared, so that the hash decided.
        written: Variants written to the store.
        waiting: Variants waiting to be written.
        dropped: Variants that will not be written: too many were waiting, or the store refused them.
    """

    looked_up: int = 0
    unanswered: int = 0
    gone: int = 0
    written: int = 0
    waiting: int = 0
    dropped: int = 0


class StickyVariants:
    """The stored variants of sticky experiments, with a cache: `ExperimentManager.sticky`.

    Args:
        store: Where variants are stored, for all processes.
        timeout: Seconds that a request may wait for the store.
        max_units: The most units of each experiment to cache in this process.
        recheck: Seconds for which the absence of a variant is cached, and after which a variant that this
            process has set is looked up once more, because another process may have been first.

    Raises:
        ConfigError: The store has no `get` and `set`, or a number is invalid.
    """

    def __init__(
        self,
        store: StickyStore,
        *,
        timeout: float = 0.2,
        max_units: int = 50_000,
        recheck: float = 5.0,
    ) -> None:
        check_store(store)
        if not 0 < timeout <= 60 or max_units < 2 or not 0 <= recheck < float("inf"):
            message = (
                "A sticky store's timeout must be above 0 and at most 60 seconds, max_units 2 or more and "
                f"recheck seconds, not timeout={timeout}, max_units={max_units}, recheck={recheck}"
            )
            raise ConfigError(message)
        self._store = store
        self._max_units = max_units
        self.recheck = recheck
        self.error_log: ErrorLog = ErrorLog()
        self.reader: StoreReader = StoreReader(store, timeout=timeout, error_log=self.error_log)
        self.writer: StoreWriter = StoreWriter(store, error_log=self.error_log)
        self._caches: dict[tuple[str, str], VariantCache] = {}
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child: count from 0; also in a new one."""
        self.looked_up = self.gone = 0

    def of(self, declaration: Declaration, /) -> "ExperimentVariants":
        """The variants of one experiment, as it is in force."""
        name = declaration.name, declaration.unit_type
        cache = self._caches.get(name)
        if cache is None:
            cache = self._caches.setdefault(name, VariantCache(self._max_units))
        return ExperimentVariants(self, cache, declaration)

    @property
    def stats(self) -> StickyStats:
        """The counts so far."""
        return StickyStats(
            looked_up=self.looked_up,
            unanswered=self.reader.unanswered,
            gone=self.gone,
            written=self.writer.written,
            waiting=self.writer.waiting,
            dropped=self.writer.dropped,
        )

    def flush(self, timeout: float = 10.0) -> bool:
        """Write all waiting variants to the store.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether all of them were written in time.
        """
        return self.writer.flush(timeout)

    def __repr__(self) -> str:
        return f"<StickyVariants in {self._store!r}>"


class ExperimentVariants:
    """The variants that the units of one experiment keep; a `Kept`.

    Args:
        variants: Asks the store, and sets.
        cache: What is known in this process.
        declaration: What is in force.

    Attributes:
        recall: From a unit's id to the variant that it keeps.
    """

    def __init__(
        self, variants: StickyVariants, cache: VariantCache, declaration: Declaration
    ) -> None:
        self._variants = variants
        self._cache = cache
        self._declaration = declaration
        self._known: dict[Any, Variant] = {
            variant_text(variant): variant for variant in declaration.variants
        }
        # What was not kept before a change of the settings may be by now: other processes had not
        # seen it yet.
        self._begun = time.monotonic()
        self.recall: Recall = self._compiled()

    def _compiled(self) -> Recall:
        cache, known, find = self._cache, self._known.get, self._find

        # Asked at each request: what the store has said once costs two look-ups in dicts.
        def recall(unit_id: str) -> Variant | None:
            found = cache.young.get(unit_id)
            variant = known(found)
            return find(unit_id)[0] if variant is None else variant

        return recall

    def consult(self, unit_id: str, /) -> Recalled:
        """The variant that a unit keeps, and what was found."""
        return Recalled(*self._find(unit_id))

    def keep(self, unit_id: str, variant: Variant, /) -> None:
        """Keep a variant that the unit was exposed to, unless it keeps one."""
        known = self._cache.of(unit_id)
        if type(known) is str and known in self._known:
            return
        before = known[0] if isinstance(known, tuple) else known if isinstance(known, str) else None
        if before is not None and self._meant(before) is not None:
            return
        text = variant_text(variant)
        if known is not None:
            # Where the store could not say, nothing is known: what it keeps may be something else.
            self._cache.put(unit_id, (text, time.monotonic() + self._variants.recheck))
        self._variants.writer.put(Choice(self._key(unit_id), text, before))

    def _find(self, unit_id: str) -> tuple[Variant | None, str]:
        known, now = self._cache.of(unit_id), time.monotonic()
        if not self._is_to_be_looked_up(known, now):
            return self._said(known)
        self._variants.looked_up += 1
        key = self._key(unit_id)
        answer = self._variants.reader(key)
        if isinstance(answer, Exception):
            if isinstance(known, tuple):
                return self._said(known)
            self._cache.forget(unit_id)
            return None, f"the sticky store could not say: {answer}; the hash decides"
        if answer is None and isinstance(known, tuple) and self._variants.writer.holds(key):
            return self._said(known)
        found: CachedVariant = now + self._variants.recheck if answer is None else answer
        self._cache.put(unit_id, found)
        return self._said(found)

    def _is_to_be_looked_up(self, known: CachedVariant | None, now: float) -> bool:
        if known is None or isinstance(known, str):
            return known is None
        if isinstance(known, tuple):
            return now >= known[1]
        return now >= known or known - self._variants.recheck < self._begun

    def _said(self, known: CachedVariant | None) -> tuple[Variant | None, str]:
        text = known[0] if isinstance(known, tuple) else known
        if not isinstance(text, str):
            return None, "the sticky store keeps nothing for the unit"
        variant = self._meant(text)
        if variant is None:
            self._variants.gone += 1
            name = self._declaration.name
            said = (
                "%s: a unit keeps the variant %r, which is not declared any more; the hash decides"
            )
            self._variants.error_log.report(f"sticky {name}", said, name, text)
            return None, f"the sticky store keeps {text!r}, which is not declared any more"
        return variant, f"{variant!r}, kept by the sticky store"

    def _meant(self, text: str) -> Variant | None:
        """The declared variant; None if there is none of that name."""
        found = self._known.get(text)
        if found is not None or self._declaration.variants:
            return found
        # Only code knows the variants: what a text means follows from the control.
        try:
            found = self._declaration.variant_of(text)
        except DeclarationError:
            return None
        if len(self._known) < _MOST_VARIANTS:
            self._known[text] = found
        return found

    def _key(self, unit_id: str) -> StickyKey:
        return StickyKey(self._declaration.name, self._declaration.unit_type, unit_id)
