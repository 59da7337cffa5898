"""Flask: the panel as a blueprint. See docs/howto/panel.md."""

from collections.abc import Callable
from urllib.parse import quote

from abkit.extras import extra
from abkit.panel import Panel, PanelRequest, Viewer

with extra("flask"):
    from flask import Blueprint, Request, Response, abort, request


def panel_blueprint(
    panel: Panel,
    *,
    may_view: Callable[[Request], object],
    may_act: Callable[[Request], object] | None = None,
    viewer: Callable[[Request], str | None] | None = None,
    name: str = "abkit_panel",
) -> Blueprint:
    """The panel, for `app.register_blueprint(..., url_prefix="/experiments")`.

    Args:
        panel: The panel.
        may_view: Returns whether somebody may look, for the request; who may not gets a 403.
        may_act: Returns whether somebody may change settings, for the request; None: nobody may.
        viewer: Returns the name of who looks, for the request, or None; None: nobody is named.
        name: Of the blueprint.
    """
    blueprint = Blueprint(name, __name__)

    @blueprint.route("/", defaults={"place": ""}, methods=["GET", "POST"])
    @blueprint.route("/<path:place>", methods=["GET", "POST"])
    def page(place: str) -> Response:
        if not may_view(request):
            abort(403)
        path = request.script_root + request.path
        answer = panel.respond(
            PanelRequest(
                method=request.method,
                path=place,
                root=quote(path.removesuffix(place)),
                query=dict(request.args.lists()),
                form=request.form.to_dict(),
                headers=dict(request.headers),
                viewer=Viewer(
                    name="" if viewer is None else viewer(request) or "",
                    may_act=may_act is not None and bool(may_act(request)),
                ),
            )
        )
        return Response(
            answer.body,
            status=answer.status,
            headers=dict(answer.headers),
            content_type=answer.content_type,
        )

    return blueprint
