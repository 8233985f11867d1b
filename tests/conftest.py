"""How tests are shared out when several processes run them (`make test`): what shares a platform stays together.

Fixtures of a session are made once a process. Tests of one group run in one process, in their order; a file is a group,
unless several files use one platform.
"""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
#: Files below these folders share a platform, unless they make their own.
_SHARED = {"e2e": "platform", "integration": "database"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the name of its group."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    path = item.path.relative_to(_HERE)
    shares = {"checkout", "deployed", "prepared"} & set(getattr(item, "fixturenames", ()))
    return _SHARED[path.parts[0]] if shares and path.parts[0] in _SHARED else str(path)
