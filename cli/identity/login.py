"""`login`, `logout`, `whoami`, `switch`, `sessions`: the session of this person on this machine."""

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import options
from cli.acting import By
from cli.errors import Misused, Refused
from cli.identity import ask, browser, issuer
from cli.identity.answers import Standing, Tokens
from cli.session import Session

_LOGIN = """\
Examples
  python -m cli login ada@zephyr.example                  # asks for the password
  python -m cli login --browser --organization zephyr-foods
  python -m cli login ada@zephyr.example --password-stdin < password-file

The session is kept below ~/.local/state/agent-ready (XDG_STATE_HOME), readable by you alone, one for each API_URL. It
renews itself as long as it is used once in 90 days.
"""
_SWITCH = """\
Examples
  python -m cli whoami                 # which organizations there are
  python -m cli switch bluebird-studio
"""
Email = Annotated[str | None, typer.Argument(help="Your address; not needed with --browser.", show_default=False)]
InOrganization = Annotated[
    str | None,
    typer.Option("--organization", metavar="SLUG", help="Which of yours it is to be about.", show_default=False),
]
Browser = Annotated[bool, typer.Option("--browser", help="Log in with the browser instead of a password here.")]
ToSlug = Annotated[str, typer.Argument(metavar="SLUG", help="Another organization of yours.")]


def add_to(built: typer.Typer, panel: str) -> None:
    """Add this module's commands."""
    built.command("login", epilog=_LOGIN, rich_help_panel=panel)(login)
    built.command("logout", rich_help_panel=panel)(logout)
    built.command("whoami", rich_help_panel=panel)(whoami)
    built.command("switch", epilog=_SWITCH, rich_help_panel=panel)(switch)
    built.command("sessions", rich_help_panel=panel)(sessions)


def login(
    email: Email = None, organization: InOrganization = None, use_browser: Browser = False,
    password_stdin: ask.PasswordStdin = False, wait: options.Wait = False,
) -> None:  # fmt: skip
    """Log in; the session is kept until `logout`.

    The password is asked for, or read from standard input. With --browser it is typed there only, and whoever is logged
    in there already has but to agree.
    """
    if use_browser and (email or password_stdin):
        raise Misused("With --browser, address and password are given in the browser.", "Leave them out here.")
    if not (use_browser or email):
        raise Misused("Who logs in? Give your address, or --browser.")
    with Session.open(wait=wait, by=By.SELF) as session:
        session.settings.check_private("your session")
        if email:
            secret = ask.password(f"Password of {email}: ", stdin=password_stdin)
            tokens = session.identity.log_in(email, secret, organization)
            session.keeper.keep(tokens)
        else:
            tokens = _by_browser(session)
            session.keeper.keep(tokens)
            tokens = session.keeper.switch(organization) if organization else tokens
        _tell(session, tokens)


def _by_browser(session: Session) -> Tokens:
    found = issuer.discover(session.connection)
    given = browser.log_in(issuer.Issuer(found, session.settings.ca_file), session.screen.note)
    session.screen.hide(given.access_token, given.refresh_token)
    return session.identity.refresh(given.refresh_token, None)  # which says who it is, too


def logout(wait: options.Wait = False) -> None:
    """End the session, here and for all that it gave: the browser's, kubectl's, other programs'."""
    with Session.open(wait=wait, by=By.SELF) as session:
        try:
            session.identity.log_out()
        except Refused as refused:
            if refused.kind != "session-ended":
                raise
            session.screen.note("It had ended already.")
        session.keeper.forget()
        session.screen.note("Logged out.")


def whoami(as_json: options.Json = False, wait: options.Wait = False) -> None:
    """Show who is logged in, for which organization, and what that allows."""
    with Session.open(wait=wait, by=By.SELF) as session:
        found = session.identity.me()
        if as_json:
            session.screen.json(found.plain())
            return
        here = found.organization
        session.screen.facts(
            {"user": found.user.email, "organization": here.slug if here else None, "role": found.role}
        )
        _organizations(session, found.organizations, here)
        session.screen.line(f"May: {', '.join(found.permissions) or 'nothing yet'}")


def switch(slug: ToSlug, wait: options.Wait = False) -> None:
    """Act for another of your organizations from now on."""
    with Session.open(wait=wait, by=By.SELF) as session:
        _tell(session, session.keeper.switch(slug))


def sessions(as_json: options.Json = False, wait: options.Wait = False) -> None:
    """List where you are logged in. `revoke --session ID` ends one."""
    with Session.open(wait=wait, by=By.SELF) as session:
        found = session.identity.sessions()
        rows = [
            [one.id, one.client_id, one.organization, one.created_at, one.last_used_at, "here" if one.current else ""]
            for one in found.items
        ]
        session.show(found, as_json, ["SESSION", "CLIENT", "ORGANIZATION", "SINCE", "LAST USED", ""], rows)


def _tell(session: Session, tokens: Tokens) -> None:
    here = tokens.organization
    if here:
        session.screen.line(f"{tokens.user.email} is {here.role} in {here.slug}.")
    elif tokens.user.platform_role:
        session.screen.line(f"{tokens.user.email} is {tokens.user.platform_role} of the platform.")
    else:
        session.screen.line(f"{tokens.user.email} acts for no organization yet.")
        if tokens.organizations:
            session.screen.note("`python -m cli switch SLUG` chooses one.")
    if len(tokens.organizations) > 1 or not here:
        _organizations(session, tokens.organizations, here)


def _organizations(session: Session, organizations: Sequence[Standing], here: Standing | None) -> None:
    if organizations:
        rows = [["*" if here and one.slug == here.slug else "", one.slug, one.name, one.role] for one in organizations]
        session.screen.table(["", "ORGANIZATION", "NAME", "ROLE"], rows)
