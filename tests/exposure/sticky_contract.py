"""What every sticky store must keep. A store's test class inherits it and says how to make the store."""

from typing import Any

import pytest

from abkit.exposure.sticky.store import Choice, StickyKey, StickyStore

KEY = StickyKey("Checkout", "org", "42")


class StickyContract:
    """Override `store`."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_nothing_is_kept_at_first(self, store: StickyStore) -> None:
        assert store.get(KEY) is None

    def test_what_is_set_is_kept(self, store: StickyStore) -> None:
        store.set([Choice(KEY, "new"), Choice(KEY._replace(unit_id="43"), "old")])
        assert store.get(KEY) == "new"
        assert store.get(KEY._replace(unit_id="43")) == "old"

    def test_the_first_one_counts(self, store: StickyStore) -> None:
        store.set([Choice(KEY, "new")])
        store.set([Choice(KEY, "old")])
        assert store.get(KEY) == "new"

    def test_the_first_one_counts_within_a_batch_too(self, store: StickyStore) -> None:
        store.set([Choice(KEY, "new"), Choice(KEY, "old")])
        assert store.get(KEY) == "new"

    def test_only_what_means_nothing_any_more_is_replaced(self, store: StickyStore) -> None:
        store.set([Choice(KEY, "gone")])
        store.set([Choice(KEY, "new", instead_of="another one")])
        assert store.get(KEY) == "gone"
        store.set([Choice(KEY, "new", instead_of="gone")])
        assert store.get(KEY) == "new"

    def test_what_is_to_be_replaced_may_have_gone(self, store: StickyStore) -> None:
        store.set([Choice(KEY, "new", instead_of="gone")])
        assert store.get(KEY) == "new"

    @pytest.mark.parametrize(
        "other",
        [
            StickyKey("Other", "org", "42"),
            StickyKey("Checkout", "user", "42"),
            StickyKey("Checkout", "org", "4"),
            StickyKey("Checkoutorg", "", "42"),
            StickyKey("Checkout", 'org","42', ""),
        ],
        ids=["experiment", "unit type", "unit id", "joined", "quoted"],
    )
    def test_each_part_of_the_key_counts(self, store: StickyStore, other: StickyKey) -> None:
        store.set([Choice(KEY, "new")])
        assert store.get(other) is None

    def test_texts_of_all_kinds_come_back(self, store: StickyStore) -> None:
        for text in ("naïve-日本-🎈", 'o\'neill "x" \\ %s :y {z}\n', " "):
            key = StickyKey(text, text, text)
            store.set([Choice(key, text)])
            assert store.get(key) == text

    def test_thousands_are_set_at_once(self, store: StickyStore) -> None:
        keys = [KEY._replace(unit_id=str(number)) for number in range(2_000)]
        store.set([Choice(key, key.unit_id) for key in keys])
        assert all(store.get(key) == key.unit_id for key in keys[::97])

    def test_its_repr_has_no_secret(self, store: StickyStore) -> None:
        assert "hunter2" not in repr(store)
