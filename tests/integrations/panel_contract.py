"""What every host of the panel must do."""

from typing import Protocol

from attrs import frozen

INSIDE = "/company/experiments/"
"""Where each host mounts the panel: below a prefix of its own."""


@frozen
class Page:
    """An answer of a host."""

    status: int
    text: str
    policy: str


class Host(Protocol):
    """An application that has the panel."""

    def get(self, path: str, *, staff: bool = True) -> Page: ...


class PanelContract:
    """The tests; a subclass has a fixture `host`."""

    def test_who_may_look_sees_the_experiments(self, host: Host) -> None:
        overview = host.get(INSIDE)
        assert overview.status == 200
        assert f'href="{INSIDE}experiments/Checkout/"' in overview.text
        assert f'href="{INSIDE}static/panel.css"' in overview.text
        page = host.get(f"{INSIDE}experiments/Checkout/plan/?confidence=0.9")
        assert page.status == 200
        assert f"{INSIDE}experiments/Checkout/analysis/?confidence=0.9" in page.text

    def test_who_may_not_look_sees_nothing(self, host: Host) -> None:
        for path in ("", "experiments/Checkout/", "static/panel.css", "nothing"):
            refused = host.get(INSIDE + path, staff=False)
            assert refused.status in {302, 403}
            assert "Checkout" not in refused.text

    def test_the_headers_and_the_status_come_through(self, host: Host) -> None:
        assert "default-src 'none'" in host.get(INSIDE).policy
        assert host.get(f"{INSIDE}experiments/Nothing/").status == 404
        style = host.get(f"{INSIDE}static/panel.css")
        assert style.status == 200
        assert ".abkit" in style.text

    def test_who_looks_is_named(self, host: Host) -> None:
        assert "grace" in host.get(INSIDE).text
