"""Events as analytics tools see them: who is a user, a device, a group."""

from hypothesis import given
from hypothesis import strategies as st

from abkit.events import Identity
from abkit.sinks.tracking import Link, link, track

from .contract import TIME, action, exposure

kinds = st.sampled_from(["visitor", "user", "actor", "org", "team"])


@given(kinds, kinds, st.text(max_size=2), st.text(max_size=2))
def test_a_link_is_of_a_visitor_and_a_user_or_of_either_and_a_group_whichever_comes_first(
    kind: str, other: str, one_id: str, other_id: str
) -> None:
    told = link(Identity(kind, one_id, other, other_id, TIME, "i"))
    turned = link(Identity(other, other_id, kind, one_id, TIME, "i"))
    of_one_kind = kind == other or {kind, other} in ({"user", "actor"}, {"org", "team"})
    if of_one_kind or not (one_id and other_id):
        assert isinstance(told, str)
        assert isinstance(turned, str)
    else:
        assert isinstance(told, Link)
        assert told == turned
        named = [told.device_id, told.user_id, *told.groups.values()]
        assert len([name for name in named if name is not None]) == 2
        assert not {"visitor", "user", "actor"} & told.groups.keys()


def test_a_visitor_is_the_device_in_an_experiment_on_anything() -> None:
    groups = {"visitor": "v1", "org": "42"}
    on_visitors = exposure("v1")._replace(unit_type="visitor", user_id=None, groups=groups)
    on_orgs = exposure("42")._replace(groups=groups)
    for event in (on_visitors, on_orgs, action()._replace(groups=groups)):
        told = track(event)
        assert (told.device_id, told.user_id) == ("v1", event.user_id)
        assert told.groups == {"org": "42"}


def test_without_visitor_and_user_the_unit_stands_in() -> None:
    assert track(exposure("42")._replace(user_id=None)).device_id == "org:42"
    assert track(exposure("42")).device_id is None
