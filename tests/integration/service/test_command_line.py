"""The command line against the service itself: that both mean the same, from the mailed token to the log-out."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from tests.integration.service.conftest import TOKEN, Replica, Stage, new_slug
from tests.unit.cli.runner import invoke

PASSWORD = "plum wagon over seven quiet rivers"


class CommandLine:
    """Runs commands for somebody with sessions of their own."""

    def __init__(self, url: str, home: Path) -> None:
        self._home = home
        self._environment = {
            "XDG_STATE_HOME": str(home), "API_URL": url, "OPERATOR_TOKEN": TOKEN, "AGENT_READY_AS": None,
        }  # fmt: skip

    async def __call__(self, *arguments: str, typed: str = "", code: int = 0) -> str:
        """What it prints on standard output; its exit code has to be `code`."""
        result = await asyncio.to_thread(invoke, arguments, typed, self._environment)
        assert result.exit_code == code, f"{arguments}: {result.output}"
        assert PASSWORD not in result.output and TOKEN not in result.output, "a secret was printed"
        return result.stdout

    async def json(self, *arguments: str, typed: str = "") -> Any:
        """The answer as such."""
        return json.loads(await self(*arguments, "--json", typed=typed))


@asynccontextmanager
async def served(replica: Replica) -> AsyncIterator[str]:
    """The replica on a port; its address."""
    server = uvicorn.Server(uvicorn.Config(replica.app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:  # who comes before it serves is waited upon
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def mail_to(folder: Path, address: str) -> str:
    """The newest message to an address, as a file."""
    found = [file for file in folder.glob("*.eml") if f"To: {address}" in file.read_text()]
    return str(max(found, key=lambda file: file.stat().st_mtime_ns))


@dataclass
class Scene:
    """Ada is logged in, the owner of an organization."""

    cli: CommandLine
    replica: Replica
    slug: str
    ada: str
    mail: Path
    folder: Path

    async def by_mail(self, *command: str, address: str) -> str:
        """A command that takes the newest mail to an address, and the password."""
        await self.replica.settled()
        return await self.cli(
            *command, "--token-file", mail_to(self.mail, address), "--password-stdin", typed=PASSWORD
        )  # fmt: skip


Act = Callable[[Scene], Awaitable[None]]


def play(stage: Stage, folder: Path, act: Act) -> None:
    """Sign up, set the first password, log in, and act."""
    assert stage.mail is not None
    mail = stage.mail

    async def on(replica: Replica) -> None:
        slug, ada = new_slug("cli"), f"{new_slug('ada')}@acme.example"
        async with served(replica) as url:
            scene = Scene(CommandLine(url, folder), replica, slug, ada, mail, folder)
            await scene.cli("signup", "Zephyr", "--slug", slug, "--owner", ada)
            await scene.cli("password", "reset", ada)
            await scene.by_mail("password", "set", address=ada)
            told = await scene.cli("login", ada, "--password-stdin", typed=PASSWORD)
            assert f"{ada} is owner in {slug}." in told
            await act(scene)

    stage.play(on)


def test_a_session_shows_itself_changes_its_password_and_ends(stage: Stage, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        cli, typed = scene.cli, f"{PASSWORD}\n{PASSWORD} twice\n"
        assert (await cli.json("whoami"))["organization"]["slug"] == scene.slug
        assert [one["current"] for one in (await cli.json("sessions"))["items"]] == [True]
        await cli("switch", scene.slug)
        await cli("switch", "globex", code=3)
        await cli("password", "change", "--password-stdin", typed=typed)
        credential = json.loads(await cli("token"))
        assert credential["kind"] == "ExecCredential" and credential["status"]["token"].count(".") == 2
        assert (await cli.json("revoke", "--email", scene.ada, "--reason", "lost"))["revoked"] > 0
        await cli("whoami", code=3)
        await cli("login", scene.ada, "--password-stdin", typed=f"{PASSWORD} twice")
        await cli("logout")
        await cli("whoami", code=2)

    play(stage, tmp_path, act)


def test_members_come_by_invitation_and_every_act_is_in_a_log_that_verifies(stage: Stage, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        cli, slug, bob, why = scene.cli, scene.slug, "bob@acme.example", ("--reason", "of this test")
        await cli("invite", slug, bob, "--role", "viewer")
        assert (await cli.json("invitations", slug))["items"][0]["email"] == bob
        assert "viewer" in await scene.by_mail("invitation", "accept", address=bob)
        await cli("members", "set", slug, bob, "admin", *why)
        await cli("members", "transfer", slug, bob, *why)
        roles = {one["email"]: one["role"] for one in (await cli.json("members", "list", slug))["items"]}
        assert roles == {scene.ada: "admin", bob: "owner"}
        await cli("members", "remove", slug, bob, *why, code=3)
        export = scene.folder / "audit.ndjson"
        await cli("audit", "export", slug, "--output", str(export))
        head = (await cli.json("audit", "verify", slug))["head"]
        await cli("audit", "verify", str(export), "--head", f"{head['seq']}:{head['hash']}")
        assert "member changed" in await cli("audit", "list", slug)

    play(stage, tmp_path, act)


def test_clients_staff_and_keys_are_as_the_service_has_them(stage: Stage, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        cli, why = scene.cli, ("--reason", "of this test")
        wiki = ("clients", "set", scene.slug, "wiki", "--name", "Wiki", "--redirect-uri", "https://wiki.example/cb")
        await cli(*wiki, *why, "--secret-file", str(scene.folder / "wiki.secret"))
        await cli(*wiki, *why)
        assert f"{scene.slug}.wiki" in await cli("clients", "list", scene.slug)
        await cli("clients", "remove", scene.slug, "wiki", *why)
        await cli("staff", "set", "grace@platform.example", "auditor", *why)
        assert "grace@platform.example" in await cli("staff", "list")
        await cli("keys", "rotate", *why)
        assert len((await cli.json("keys", "list"))["items"]) == 2

    play(stage, tmp_path, act)


def test_data_are_made_found_changed_deleted_and_restored(stage: Stage, tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        cli = scene.cli
        project = (await cli.json("projects", "create", "Harvest", "--description", "what we plan"))["id"]
        assert (await cli.json("projects", "change", project, "--name", "Harvest 2"))["version"] == 2
        await cli("projects", "change", project, "--name", "Harvest 3", "--if-version", "1", code=3)
        note = (await cli.json("notes", "create", project, "Monday", "--body", "rain until noon"))["id"]
        assert [one["id"] for one in (await cli.json("notes", "search", project, "RAIN"))["items"]] == [note]
        await cli("notes", "delete", project, note)
        assert note in await cli("notes", "list", project, "--deleted")
        await cli("notes", "restore", project, note)
        made = ("documents", "create", "a.md", "--content-file", "-", "--project", project)
        document = (await cli.json(*made, typed="# a\n"))["id"]
        assert await cli("documents", "show", document, "--content") == "# a\n"
        await cli("projects", "create", "Another")
        assert len((await cli.json("projects", "list", "--limit", "1", "--all"))["items"]) == 2

    play(stage, tmp_path, act)
