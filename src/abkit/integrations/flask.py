"""Flask: `Abkit(app, subjects=...)`. See docs/howto/flask.md."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import cast

from abkit.assignment.forcing import Force
from abkit.errors import ConfigError
from abkit.extras import extra
from abkit.integrations.endpoint import PATH, LogExposureEndpoint, spellings
from abkit.integrations.forcing_cookie import (
    MAX_AGE,
    NAME,
    CookieSigner,
    Forcing,
    forced_pieces,
    forcing_of,
)
from abkit.integrations.per_request import RequestExperiments
from abkit.integrations.visitors import RequestVisitor, VisitorRequest, Visitors, signer_of
from abkit.integrations.visitors.kept_variants import VisitorVariants
from abkit.integrations.wire import RequestHead, read_at_most
from abkit.manager import ExperimentManager, expt_manager

with extra("flask"):
    from flask import Blueprint, Flask, Request, Response, current_app, request
    from flask.globals import request_ctx
    from werkzeug.local import LocalProxy

_EXPERIMENTS, _VISITOR = "abkit.experiments", "abkit.visitor"
_HAS_BEGUN = "abkit.response_has_begun"
_FORCING, _FORCE = "abkit.forcing", "abkit.force"
_VARYING = ("Vary", "Cache-Control")


class Abkit:
    """The experiments of a Flask application.

    Args:
        app: See `init_app`, which can be called later.
        subjects: Returns the subjects of the session, such as `{"org": ..., "actor": ...}`, for the
            request. Without it, nobody has a variant, and nothing is logged.
        manager: The manager with the experiments.
        allow_forcing: Returns whether the visitor may force variants with `?abkit=`, for the request.
            None: nobody may. The cookie is signed with the application's `secret_key`.
        path: The path of the log-exposure endpoint, which answers with and without a trailing slash.
        trusted_origins: Other sites whose pages may send exposures.
        check_csrf: Returns whether a CSRF token is valid, such as Flask-WTF's, for the request and the
            token. The origin is checked in any case.
        visitors: How visitors are recognized, who need not be signed in; None: by a cookie that is signed
            with the application's `secret_key`.

    Attributes:
        endpoint: Its `stats` count the exposures from browsers.
        visitors: Its `stats` count the visitors.
        blueprint: It has the endpoint, as `abkit.log_exposure`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        subjects: Callable[[Request], Mapping[str, object] | None] = lambda _request: None,
        manager: ExperimentManager = expt_manager,
        allow_forcing: Callable[[Request], bool] | None = None,
        path: str = PATH,
        trusted_origins: Collection[str] = (),
        check_csrf: Callable[[Request, str | None], bool] | None = None,
        visitors: Visitors[Request] | None = None,
    ) -> None:
        self.manager = manager
        self.endpoint: LogExposureEndpoint = LogExposureEndpoint(
            manager, trusted_origins=trusted_origins
        )
        self.visitors: Visitors[Request] = Visitors() if visitors is None else visitors
        self.blueprint: Blueprint = Blueprint("abkit", __name__)
        for each in spellings(path):
            self.blueprint.add_url_rule(each, "log_exposure", self._log_exposure, methods=["POST"])
        self._subjects = subjects
        self._allow_forcing = allow_forcing
        self._check_csrf = check_csrf
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the endpoint, visitors, forcing, and `experiments` in templates to an application.

        Raises:
            ConfigError: The visitor's cookie has the name of the session's.
        """
        if self.visitors.cookie == app.config["SESSION_COOKIE_NAME"]:
            message = f"{self.visitors.cookie!r} is Flask's session: the visitor's cookie needs another name"
            raise ConfigError(message)
        app.extensions["abkit"] = self
        self.manager.use_visitor_variants(VisitorVariants())
        app.register_blueprint(self.blueprint)
        app.context_processor(lambda: {"experiments": experiments})
        app.after_request(self._tell_visitor)
        if self._allow_forcing is not None:
            app.before_request(self._begin_forcing)
            app.after_request(self._tell_forced)
            app.teardown_request(self._end_forcing)

    def experiments_of(self, request: Request) -> RequestExperiments:
        """Return the experiments of a request; the same object at each call."""
        # Not in `flask.g`, which several requests of a test share within one application context.
        found = request.environ.get(_EXPERIMENTS)
        if found is None:
            subjects = partial(self._subjects, request)
            visitor = request.environ[_VISITOR] = self._visitor_of(request)
            found = RequestExperiments(
                self.manager, subjects, source=self._subjects, visitor=visitor
            )
            request.environ[_EXPERIMENTS] = found
            if _HAS_BEGUN in request.environ:
                visitor.begin_response()
        return cast("RequestExperiments", found)

    def _log_exposure(self) -> Response:
        head = RequestHead(method=request.method, headers=[*request.headers])
        answer = self.endpoint.refuse(head)
        if answer is None:
            check, experiments = self._check_csrf, self.experiments_of(request)
            body = read_at_most(request.stream.read, self.endpoint.max_body)
            subjects = experiments.known_subjects
            with experiments.keeping():
                answer = self.endpoint.answer(
                    head,
                    body,
                    subjects=subjects,
                    check_csrf=None if check is None else partial(check, request),
                )
        return Response(answer.body, answer.status, answer.headers)

    def _visitor_of(self, request: Request) -> RequestVisitor:
        visitors = self.visitors
        own_id, consent = visitors.visitor, visitors.consent
        about = VisitorRequest(
            cookie=request.cookies.get(visitors.cookie),
            variants_cookie=request.cookies.get(visitors.variants_cookie),
            cookie_header=request.headers.get("Cookie", ""),
            user_agent=request.headers.get("User-Agent"),
            signer=lambda: signer_of(*(visitors.secrets or _secrets())),
            own_id=None if own_id is None else partial(own_id, request),
            consents=partial(consent, request) if consent is not None else lambda: True,
        )
        return RequestVisitor(visitors, about)

    def _tell_visitor(self, response: Response) -> Response:
        has_read_session = _has_read_session()
        if _EXPERIMENTS not in request.environ and not has_read_session:
            request.environ[_HAS_BEGUN] = True
            return response
        experiments = self.experiments_of(request)
        # Who is signed in is only asked where the response follows from the session anyhow.
        if experiments.has_subjects or (has_read_session and experiments.visitor_id is not None):
            experiments.identify()
        visitor: RequestVisitor = request.environ[_VISITOR]
        told = visitor.begin_response()
        if told is not None:
            headers = response.headers
            before = {name: ", ".join(headers.getlist(name)) for name in _VARYING}
            headers.update(told.headers(before))  # as Werkzeug 3.0 takes them
            # A proxy may end https before the application.
            secure = request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"])
            for name, value in told.cookies.items():
                response.set_cookie(name, **self.visitors.cookie_arguments(value, secure=secure))
        return response

    def _begin_forcing(self) -> None:
        parameter, cookie = request.args.get(NAME), request.cookies.get(NAME)
        if parameter is None and cookie is None:
            return
        if self._allow_forcing is None or not self._allow_forcing(request):
            return
        read = self._signer().read(cookie)
        forcing = forcing_of(self.manager, parameter=parameter, cookie=read)
        request.environ[_FORCING] = forcing
        request.environ[_FORCE] = Force(forcing.variants).__enter__()

    def _tell_forced(self, response: Response) -> Response:
        self._end_forcing()
        forcing: Forcing | None = request.environ.get(_FORCING)
        if forcing is None:
            return response
        response.headers.update(dict(forcing.headers))  # as Werkzeug 3.0 takes them
        if response.is_streamed and not response.direct_passthrough:
            response.response = forced_pieces(response.response, forcing)
        if forcing.cookie:
            response.set_cookie(
                NAME,
                self._signer().sign(forcing.cookie),
                max_age=MAX_AGE,
                secure=request.is_secure,
                httponly=True,
                samesite="Lax",
            )
        elif forcing.cookie is not None:
            response.delete_cookie(NAME)
        return response

    def _end_forcing(self, _error: BaseException | None = None) -> None:
        # After a view, because a stream may keep Flask's own context for longer; and after an
        # exception, which debugging lets pass.
        force: Force | None = request.environ.pop(_FORCE, None)
        if force is not None:
            force.__exit__(None, None, None)

    def _signer(self) -> CookieSigner:
        return CookieSigner(current_app.secret_key or "")

    def __repr__(self) -> str:
        return f"<Abkit for Flask: {self.manager!r}>"


def _has_read_session() -> bool:
    """Whether the request has read Flask's session, which is not to be read to find that out."""
    # `flask.session` notes since Flask 3.1.3 that it is read, whatever of it is.
    context = vars(request_ctx._get_current_object())  # type: ignore[attr-defined]
    return bool(getattr(context.get("_session", context.get("session")), "accessed", False))


def _secrets() -> list[str | bytes]:
    """The application's own, as Flask's session has them: the first one signs, the others are read."""
    config = current_app.config
    return [current_app.secret_key or "", *(config.get("SECRET_KEY_FALLBACKS") or ())]


def _current() -> RequestExperiments:
    abkit: Abkit | None = current_app.extensions.get("abkit")
    if abkit is None:
        message = f"The application {current_app.name!r} has no experiments: call Abkit(app, ...)"
        raise ConfigError(message)
    return abkit.experiments_of(request)


experiments: RequestExperiments = cast("RequestExperiments", LocalProxy(_current))
"""The experiments of the current request, like `flask.request` for the request."""
