"""Ctrl-C, on the real process: the operation goes on, and the operator learns how to see it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.unit.cli.conftest import TOKEN
from tests.unit.cli.fake_api import FakeApi, step

ROOT = Path(__file__).parents[3]


def test_ctrl_c_ends_the_watching_only(api: FakeApi) -> None:
    api.streams_on("op-1", step(1, "reserved"))
    with api.served() as url:
        environment = {**os.environ, "API_URL": url, "OPERATOR_TOKEN": TOKEN}
        with subprocess.Popen(
            [sys.executable, "-m", "cli", "watch", "op-1"], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            first = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=30)
    assert "reserved" in first
    assert process.returncode == 130
    assert "goes on" in rest and "python -m cli watch op-1" in rest
    assert "Traceback" not in rest
