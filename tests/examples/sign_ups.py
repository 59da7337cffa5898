"""What people do at the sign-up page, in 40 browsers, and what an analysis has to find of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import Factory, define, frozen
from playwright.sync_api import Browser, Locator, Page, ViewportSize

from abkit.experiments.declaring.identities import VISITOR_ID_LENGTH
from abkit.integrations.visitors import NAME

from ..chromium import note_complaints

SIGNED_UP, INVITED = "signed up", "invited a colleague"
# Chromium without windows calls itself a program, which it is, but for this test.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

SMALL: ViewportSize = {"width": 360, "height": 240}
"""As many browsers have little to draw."""

Shown = dict[str, str]
"""The variants that browsers were shown, by the visitor's id."""


@frozen
class Unit:
    """One person, as far as the application can know.

    Attributes:
        shown: What their browsers were shown.
        did: What they did after the first exposure.
    """

    shown: Shown
    did: frozenset[str]

    @property
    def variants(self) -> set[str]:
        return {*self.shown.values()}


@frozen
class Account:
    name: str
    by_github: bool


@define
class Visits:
    """What was done and seen.

    Attributes:
        browsers: How many there were.
        units: Who must be found in the experiment.
        linked: Which visitor is which user; users are numbered as they sign up.
        not_enrolled: The variants shown to browsers that have no visitor.
        accounts: Who has signed up, in this order.
        invitations: How many were sent.
        said: What the browsers complained of.
    """

    browsers: int = 0
    units: list[Unit] = Factory(list)
    linked: set[tuple[str, str]] = Factory(set)
    not_enrolled: list[str] = Factory(list)
    accounts: list[Account] = Factory(list)
    invitations: int = 0
    said: list[str] = Factory(list)


@define
class Device:
    """A browser of somebody, at the sign-up page or elsewhere.

    Attributes:
        variant: What it was shown last.
    """

    page: Page
    address: str
    visits: Visits
    variant: str = ""

    def open(self) -> str:
        """Open the sign-up page; the variant, by what a person sees."""
        self.page.goto(self.address)
        return self.shown()

    def answer(self, name: str) -> str:
        """Answer whether the browser may be recognized; the variant, thereafter."""
        self._follow(self.page.get_by_role("button", name=name))
        return self.shown()

    def shown(self) -> str:
        text = self.page.inner_text("main")
        assert "Create your account" in text
        self.variant = "github" if "Sign up with GitHub" in text else "form"
        return self.variant

    def visitor(self) -> str | None:
        """The visitor's id, as the browser keeps it."""
        values = {each["name"]: each["value"] for each in self.page.context.cookies()}
        return values[NAME][:VISITOR_ID_LENGTH] if NAME in values else None

    def sign_up(self) -> Account:
        """By GitHub where that is offered, in two of three cases; else by the form."""
        number = len(self.visits.accounts) + 1
        by_github = self.variant == "github" and number % 3 > 0
        account = Account(f"person-{number}", by_github=by_github)
        self.visits.accounts.append(account)
        self._give(account, "Sign up")
        return account

    def sign_in(self, account: Account) -> None:
        self.page.goto(f"{self.address}sign-in")
        self._give(account, "Sign in")

    def invite(self) -> None:
        self.visits.invitations += 1
        email = f"colleague-{self.visits.invitations}@example.com"
        self.page.get_by_label("E-mail of a colleague").fill(email)
        self._follow(self.page.get_by_role("button", name="Invite"))
        assert email in self.page.inner_text("main")

    def sign_out(self) -> None:
        self._follow(self.page.get_by_role("button", name="Sign out"))

    def _give(self, account: Account, how: str) -> None:
        if account.by_github:
            self._follow(self.page.get_by_role("link", name=f"{how} with GitHub"))
            self.page.get_by_label("GitHub login").fill(account.name)
            self._follow(self.page.get_by_role("button", name="Authorize"))
        else:
            self.page.get_by_label("E-mail").fill(f"{account.name}@example.com")
            self.page.get_by_label("Password").fill("correct horse")
            self._follow(self.page.get_by_role("button", name=how, exact=True))
        assert account.name in self.page.inner_text("header")
        visitor = self.visitor()
        if visitor is not None:
            user = self.visits.accounts.index(account) + 1
            self.visits.linked.add((visitor, str(user)))

    def _follow(self, control: Locator) -> None:
        """Click, and be at the next page."""
        with self.page.expect_event("load"):
            control.click()


@frozen
class Street:
    """Where people have browsers."""

    chromium: Browser
    address: str
    visits: Visits

    @contextmanager
    def device(self, user_agent: str = PERSON) -> Iterator[Device]:
        """A new browser; whatever it complains of is noted."""
        self.visits.browsers += 1
        context = self.chromium.new_context(user_agent=user_agent, viewport=SMALL)
        note_complaints(context, self.visits.said, left="stylesheet")
        yield Device(context.new_page(), self.address, self.visits)
        context.close()

    @contextmanager
    def enrolled(self, shown: Shown) -> Iterator[Device]:
        """A new browser that may be recognized, and has been shown a variant, which is noted."""
        with self.device() as device:
            assert (device.open(), device.visitor()) == ("form", None)
            variant = device.answer("Yes, you may")
            visitor = device.visitor()
            assert visitor is not None
            shown[visitor] = variant
            yield device


def visit(chromium: Browser, address: str) -> Visits:
    """Let all stories happen, one after the other."""
    visits = Visits()
    street = Street(chromium, address, visits)
    for story, times in STORIES.items():
        for number in range(times):
            visits.units.extend(story(street, number))
    return visits


def leaves(street: Street, _: int) -> Iterator[Unit]:
    """Somebody sees the page, and leaves."""
    with street.enrolled(shown := Shown()):
        yield Unit(shown, frozenset())


def returns(street: Street, number: int) -> Iterator[Unit]:
    """Somebody comes back, is shown the same, and every other time signs up."""
    with street.enrolled(shown := Shown()) as device:
        device.page.close()
        device.page = device.page.context.new_page()
        assert [device.open()] == [*shown.values()]
        if number % 2:
            device.sign_up()
        yield Unit(shown, frozenset({SIGNED_UP} if number % 2 else ()))


def signs_up(street: Street, number: int) -> Iterator[Unit]:
    """Somebody signs up, and every other time invites two colleagues: that counts once."""
    with street.enrolled(shown := Shown()) as device:
        device.sign_up()
        for _ in range(2 * (number % 2)):
            device.invite()
        yield Unit(shown, frozenset({SIGNED_UP, INVITED} if number % 2 else {SIGNED_UP}))


def has_two_devices(street: Street, _: int) -> Iterator[Unit]:
    """Somebody signs up, sees the page on another device, signs in, and invites from there."""
    with street.enrolled(shown := Shown()) as device:
        account = device.sign_up()
    with street.enrolled(shown) as device:
        device.sign_in(account)
        device.invite()
    yield Unit(shown, frozenset({SIGNED_UP, INVITED}))


def goes_on_elsewhere(street: Street, _: int) -> Iterator[Unit]:
    """Somebody signs up, and invites from a browser that never was at the sign-up page."""
    with street.enrolled(shown := Shown()) as device:
        account = device.sign_up()
    with street.device() as device:
        device.sign_in(account)
        device.invite()
        assert device.visitor() is None
    yield Unit(shown, frozenset({SIGNED_UP, INVITED}))


def share_a_computer(street: Street, _: int) -> Iterator[Unit]:
    """Two people sign up in one browser, and the second one invites: one visitor did both."""
    with street.enrolled(shown := Shown()) as device:
        device.sign_up()
        device.sign_out()
        assert [device.open()] == [*shown.values()]
        device.sign_up()
        device.invite()
    yield Unit(shown, frozenset({SIGNED_UP, INVITED}))


def consents_later(street: Street, _: int) -> Iterator[Unit]:
    """Somebody signs up unrecognized, is shown the page on another device, signs in, and invites."""
    with street.device() as device:
        street.visits.not_enrolled.append(device.open())
        account = device.sign_up()
    with street.enrolled(shown := Shown()) as device:
        device.sign_in(account)
        device.invite()
    yield Unit(shown, frozenset({INVITED}))  # the sign-up was before the exposure


def does_not_consent(street: Street, number: int) -> Iterator[Unit]:
    """Somebody says no; every other one signs up and invites all the same."""
    with street.device() as device:
        device.open()
        street.visits.not_enrolled.append(device.answer("No"))
        if number % 2:
            device.sign_up()
            device.invite()
        assert device.visitor() is None
    yield from ()


def is_a_bot(street: Street, _: int) -> Iterator[Unit]:
    """A program looks twice, and presses what can be pressed."""
    with street.device(CRAWLER) as device:
        device.open()
        street.visits.not_enrolled.append(device.answer("Yes, you may"))
        assert device.visitor() is None
    yield from ()


STORIES: dict[Callable[[Street, int], Iterator[Unit]], int] = {
    leaves: 7,
    returns: 4,
    signs_up: 6,
    has_two_devices: 5,
    goes_on_elsewhere: 2,
    share_a_computer: 1,
    consents_later: 1,
    does_not_consent: 4,
    is_a_bot: 2,
}
"""How often each of them happens."""
