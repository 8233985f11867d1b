"""How tests are shared out when several processes run them (`make test`): what shares a platform stays together.

Fixtures of a session are made once a process. Tests of one group run in one process, in their order; a file is a group,
unless several files use one platform.
"""

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
#: Fixtures that several files share, and the group of whoever uses one.
_SHARED = {"checkout": "platform", "served": "served", "prepared": "database"}


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the name of its group, the same for all of a file."""
    groups: dict[Path, str] = {}
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        shared = next((group for fixture, group in _SHARED.items() if fixture in used), None)
        if shared or item.path not in groups:
            groups[item.path] = shared or str(item.path.relative_to(_HERE))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.path]))
