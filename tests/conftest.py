"""How tests are shared out when several processes run them (`make test`): what shares a platform stays together.

Fixtures of a session are made once a process. Tests of one group run in one process, in their order; a file is a group,
unless several files use one platform.
"""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
#: Fixtures that several files share, and the group of whoever uses one.
_SHARED = {"checkout": "platform", "served": "served", "prepared": "database"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the name of its group."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    path = item.path.relative_to(_HERE)
    used = set(getattr(item, "fixturenames", ()))
    return next((group for fixture, group in _SHARED.items() if fixture in used), str(path))
