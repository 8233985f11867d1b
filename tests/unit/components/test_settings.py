"""The program's settings: stack configuration first, the named environment second, a way out when both are missing."""

import pulumi
import pytest

from components.settings import Settings
from tests.unit.components.recording import record

PROJECT = "agent-ready-k8s"
VARIABLES = {
    "PULUMI_KUBECONFIG": "/env/k", "PLATFORM_DATABASE_URL": "postgresql://env", "REDIS_URL": "rediss://env",
    "REDIS_OPERATOR_URL": "rediss://operator",
}  # fmt: skip
KEYS = ["kubeconfig", "databaseUrl", "redisUrl", "redisOperatorUrl"]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the shell's environment nor an earlier test's configuration may count."""
    for name in (*VARIABLES, "REDIS_CA_FILE", "RELAY_ADDRESS", "KUBECONFIG", "AGENT_READY_HOLDING"):
        monkeypatch.delenv(name, raising=False)
    pulumi.runtime.set_all_config({})


def read(config: dict[str, str] | None = None) -> Settings:
    found: list[Settings] = []

    def program() -> None:
        pulumi.runtime.set_all_config({f"{pulumi.get_project()}:{k}": v for k, v in (config or {}).items()})
        found.append(Settings.from_stack())

    record(program)
    return found[0]


def test_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    settings = read()
    assert (settings.kubeconfig, settings.database_url, settings.redis_url) == (
        "/env/k",
        "postgresql://env",
        "rediss://env",
    ), "what .local/env names"
    assert (settings.redis_ca_file, settings.on_destroy) == (None, "keep"), "data is kept unless told otherwise"


def test_the_stacks_configuration_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    settings = read(
        {"kubeconfig": "/c/k", "databaseUrl": "c", "redisUrl": "r", "redisCaFile": "/ca", "onDestroy": "drop"}
    )
    found = (
        settings.kubeconfig,
        settings.database_url,
        settings.redis_url,
        settings.redis_ca_file,
        settings.on_destroy,
    )
    assert found == ("/c/k", "c", "r", "/ca", "drop"), "named on purpose"


def test_an_organizations_owner_is_this_stack_of_this_project(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    owner: list[str] = []
    settings = read()
    record(lambda: owner.append(f"catalog:{pulumi.get_project()}/{pulumi.get_stack()}"))
    assert settings.managed_by == owner[0], "catalog:<project>/<stack>"


@pytest.mark.parametrize(("variable", "key"), [*zip(VARIABLES, KEYS, strict=True)])
def test_a_missing_setting_says_both_ways_to_give_it(monkeypatch: pytest.MonkeyPatch, variable: str, key: str) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value if name != variable else "")
    with pytest.raises(pulumi.RunError, match=f"{key} is not set: `pulumi config set {key}") as refused:
        read()
    assert variable in str(refused.value) and ".local/env" in str(refused.value), "or the local platform's settings"


def test_the_shells_own_kubeconfig_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**VARIABLES, "PULUMI_KUBECONFIG": "", "KUBECONFIG": "/home/me/.kube/production"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(pulumi.RunError, match="kubeconfig is not set"):
        read()
