"""How tests are shared out when two processes run them (`make test`): what uses one platform stays together.

Fixtures of a session are made once a process, and a platform takes a while to start. So a group of files runs in one
process, in its order; a file that nobody names here is a group of its own.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Files by the platform that they share: their names' beginnings, the first that fits.
_GROUPS = (
    *((f"tests/e2e/test_{name}.py", name) for name in ("faults", "import", "live_chaos", "recovery", "shards")),
    *((f"tests/e2e/test_{name}.py", "served") for name in ("identity", "sample")),
    ("tests/e2e/", "platform"),
    ("tests/integration/localplane/", ""),
    ("tests/integration/", "database"),
)


class ByPlatform(LoadScopeScheduling):
    """Gives a process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((group for start, group in _GROUPS if file.startswith(start)), "") or file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByPlatform:
    """pytest-xdist asks for it."""
    return ByPlatform(config, log)
