"""Where everything local lies: one checkout's ``.local/`` folder, by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from localplane.errors import PlaneError
from localplane.files import private_folder

PACKAGE_MARK = Path("localplane") / "__main__.py"


def checkout(start: Path | None = None) -> Path:
    """The checkout that ``start`` (the current folder by default) lies in."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / PACKAGE_MARK).is_file():
            return folder
    raise PlaneError(
        f"{here} is not inside a checkout: no parent folder holds {PACKAGE_MARK}.\n"
        "Change into the checkout, or name it with --root."
    )


@dataclass(frozen=True)
class Layout:
    """The paths of one checkout's platform; ``root`` is the checkout itself."""

    root: Path

    @property
    def local(self) -> Path:
        return self.root / ".local"

    @property
    def pki(self) -> Path:
        return self.local / "pki"

    @property
    def logs(self) -> Path:
        return self.local / "logs"

    @property
    def record(self) -> Path:
        return self.local / "plane.json"

    @property
    def env(self) -> Path:
        return self.local / "env"

    @property
    def settings(self) -> Path:
        """What the user sets beside that, in ``sh``; nobody here writes it."""
        return self.local / "settings"

    @property
    def bin(self) -> Path:
        return self.local / "bin"

    @property
    def passphrase(self) -> Path:
        return self.local / "passphrase"

    @property
    def pulumi_home(self) -> Path:
        return self.local / "pulumi-home"

    @property
    def pulumi_state(self) -> Path:
        return self.local / "pulumi-state"

    @property
    def mail(self) -> Path:
        """Where the service leaves its messages instead of sending them."""
        return self.local / "mail"

    @property
    def kubectl_cache(self) -> Path:
        return self.local / "kubectl-cache"

    @property
    def kubeconfig(self) -> Path:
        return self.local / "kubeconfig"

    @property
    def identities(self) -> Path:
        """The manifests of the platform's own cluster identities, committed beside the code."""
        return self.root / "deploy" / "identity"

    def kubeconfig_of(self, identity: str) -> Path:
        return self.local / f"kubeconfig-{identity}"

    def data(self, server: str) -> Path:
        return self.local / server

    def log(self, server: str) -> Path:
        return self.logs / f"{server}.log"

    def secret(self, name: str) -> Path:
        return self.local / "secrets" / name

    def prepare(self) -> None:
        """Make the folders; as root, let others walk through ``.local``: PostgreSQL is another user."""
        self.local.mkdir(parents=True, exist_ok=True)
        self.local.chmod(0o711 if os.geteuid() == 0 else 0o700)
        secrets = self.secret("any").parent
        for folder in (
            self.pki, self.logs, secrets, self.bin, self.pulumi_home, self.pulumi_state, self.kubectl_cache, self.mail
        ):  # fmt: skip
            private_folder(folder)
