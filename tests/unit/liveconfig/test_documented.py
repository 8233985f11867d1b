"""Every setting stands in docs/liveconfig.md, and the example there runs."""

import re
from pathlib import Path

from liveconfig.relay.settings import HELP
from liveconfig.settings import VARIABLES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "liveconfig.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_and_nothing_else() -> None:
    relay = set(re.findall(r"^  ([A-Z_]+) ", HELP, re.MULTILINE))
    documented = set(re.findall(r"`((?:LIVECONFIG|RELAY|REDIS)_[A-Z_]+)`", PAGE))
    assert documented == set(VARIABLES) | relay


def test_the_five_minute_example_runs() -> None:
    example = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "from_env" in block)
    offline = example.replace("LiveConfig.from_env()", "LiveConfig.from_env({'LIVECONFIG_ORG': '7'})")
    exec(compile(offline.replace("wait_ready(5)", "wait_ready(0)"), "docs/liveconfig.md", "exec"), {})
