"""What is named on purpose is remembered, can be taken back, and is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from localplane import external, psql
from localplane.errors import Misnamed, Unreachable
from localplane.external import EMBEDDED, Named
from localplane.ports import choose


def test_a_name_is_kept_until_it_is_said_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.touch()
    named = Named().with_changes({"kubeconfig": str(file)})
    again = Named.remembered(named.facts()).with_changes({"redis_url": "redis://h", "kubeconfig": None})
    assert again == Named(kubeconfig=str(file), redis_url="redis://h")
    assert again.with_changes({"kubeconfig": EMBEDDED}).facts() == {"redis_url": "redis://h"}


def test_a_kubeconfig_that_is_not_there_is_refused() -> None:
    with pytest.raises(Misnamed, match="is not a file"):
        Named().with_changes({"kubeconfig": "/nowhere/config"})


@pytest.mark.parametrize("url", ["mysql://h/d", "host=h", "postgresql://h:port/d", "postgresql://h/d?colour=red"])
def test_a_database_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(Misnamed, match="DATABASE_URL"):
        psql.settings_of(url)


def test_a_redis_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(Unreachable) as refused:
        external.check_redis(f"redis://u:secret@127.0.0.1:{choose()}/0")
    assert "refused" in str(refused.value)
    assert "secret" not in str(refused.value)
