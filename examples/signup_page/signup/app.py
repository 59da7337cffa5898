"""The application: its experiments, and its pages."""

from pathlib import Path

from flask import Flask, Request, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from abkit import ExposureLogger, expt_manager
from abkit.integrations.flask import Abkit, experiments
from abkit.integrations.visitors import Visitors
from abkit.sinks.files import FileSink
from signup.accounts import Accounts

FOLDER = Path(__file__).resolve().parent.parent

app = Flask(__name__)
app.secret_key = "not a secret, for this is an example"  # noqa: S105
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
accounts = Accounts(FOLDER / "data" / "accounts.db")

# 1. Where the experiments are, and where the events go: `abkit analyze` reads these files.
expt_manager.load("signup.experiments.config")
expt_manager.use_settings(FOLDER / "experiments.toml")
expt_manager.on_event = ExposureLogger(FileSink(FOLDER / "data" / "events"))


# 2. Whom a request is about: the user, if somebody is signed in, and a visitor in any case.
def subjects(_request: Request) -> dict[str, object]:
    """Return the user of the session."""
    return {"user": session.get("user")}


def has_consented(request: Request) -> bool:
    """Return whether the browser may be recognized."""
    return request.cookies.get("consent") == "yes"


Abkit(
    app,
    subjects=subjects,
    visitors=Visitors(consent=has_consented),
    allow_forcing=lambda _request: app.debug,  # /?abkit=SignupWithGitHub:github
)


# 3. The experiment: each visitor sees a variant, and is exposed where it is shown.
@app.get("/")
def sign_up_page(error: str = "") -> str | Response:
    """The sign-up page."""
    if "user" in session:
        return redirect(url_for("home"))
    variant = experiments["SignupWithGitHub"]
    experiments.log_exposure("SignupWithGitHub")
    return render_template("sign_up.html", has_github=variant == "github", error=error)


# 4. What counts: who signs up, and what they do later, in this browser or in another.
@app.post("/sign-up")
def sign_up() -> str | Response:
    """Sign up with the form."""
    email, password = request.form["email"].strip(), request.form["password"]
    if "@" not in email or len(password) < 8:
        return sign_up_page(error="Please give an e-mail address and at least 8 characters.")
    return _welcome(accounts.create(email, password), name=email)


@app.post("/sign-up/github")
def sign_up_with_github() -> str | Response:
    """Sign up as whom GitHub has signed in."""
    login = request.form["login"].strip()
    return _welcome(accounts.create_with_github(login), name=f"@{login}")


def _welcome(account: int | None, name: str) -> str | Response:
    if account is None:
        return sign_up_page(error=f"{name} has an account already: sign in.")
    session["user"] = account
    experiments.track("signed up")
    return redirect(url_for("home"))


@app.post("/invite")
def invite() -> Response:
    """Invite a colleague."""
    if "user" not in session:
        return redirect(url_for("sign_in_page"))
    accounts.invite(session["user"], request.form["email"])
    experiments.track("invited a colleague")
    return redirect(url_for("home"))


# 5. Signing in: from here on, abkit knows that this visitor is that user.
@app.get("/sign-in")
def sign_in_page(error: str = "") -> str:
    """The page for whoever has an account."""
    return render_template("sign_in.html", error=error)


@app.post("/sign-in")
def sign_in() -> str | Response:
    """Sign in with the password."""
    return _sign_in(accounts.authenticate(request.form["email"], request.form["password"]))


@app.post("/sign-in/github")
def sign_in_with_github() -> str | Response:
    """Sign in as whom GitHub has signed in."""
    return _sign_in(accounts.of_github(request.form["login"]))


def _sign_in(account: int | None) -> str | Response:
    if account is None:
        return sign_in_page(error="There is no such account, or the password is another one.")
    session["user"] = account
    experiments.identify()
    return redirect(url_for("home"))


# The other pages know nothing of the experiment.
@app.get("/github/<any('sign-up', 'sign-in'):purpose>")
def github(purpose: str) -> str:
    """A page of GitHub, simulated: the true one asks for a password."""
    return render_template("github.html", purpose=purpose)


@app.get("/home")
def home() -> str | Response:
    """The page of a user."""
    name = accounts.name_of(session["user"]) if "user" in session else None
    if name is None:
        session.clear()
        return redirect(url_for("sign_in_page"))
    return render_template("home.html", name=name, invited=accounts.invited_by(session["user"]))


@app.post("/sign-out")
def sign_out() -> Response:
    """End the session; the visitor stays who they are."""
    session.clear()
    return redirect(url_for("sign_in_page"))


@app.post("/consent")
def consent() -> Response:
    """Note what was answered: whether the browser may be recognized."""
    response = redirect(url_for("sign_up_page"))
    response.set_cookie("consent", request.form["answer"], max_age=365 * 86_400, samesite="Lax")
    return response
