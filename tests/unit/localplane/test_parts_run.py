"""Commands are run with progress, fail with everything one needs to know, and leave nothing behind."""

from __future__ import annotations

import io
import signal
import threading
import time
from pathlib import Path

import pytest

from localplane.parts import Progress, ProgressLine, StepFailed
from localplane.processes import identify
from localplane.sources import output_of, run


def test_output_goes_to_the_log_and_line_by_line_to_the_caller(tmp_path: Path) -> None:
    lines: list[str] = []
    run(["sh", "-c", "echo one; echo two >&2"], part="x", log=tmp_path / "log", hint="", on_line=lines.append)
    assert lines == ["one", "two"]
    assert (tmp_path / "log").read_text().endswith("one\ntwo\n")


def test_a_failure_names_part_command_log_and_way_out(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as caught:
        run(["sh", "-c", "echo broken pipe; exit 3"], part="etcd", log=tmp_path / "log", hint="Install a pipe.")
    for piece in ("etcd", "exit 3", "ended with 3", "broken pipe", str(tmp_path / "log"), "Install a pipe."):
        assert piece in str(caught.value)


def test_a_program_that_is_not_there_is_such_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="could not start"):
        run(["/nowhere/at-all"], part="x", log=tmp_path / "log", hint="")


def test_ctrl_c_ends_the_command_and_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    script = f"sleep 60 & echo $! > {child}; echo started; wait"
    with pytest.raises(KeyboardInterrupt):
        run(
            ["bash", "-c", f"trap 'kill $!; exit' INT; {script}"],
            part="x",
            log=tmp_path / "log",
            hint="",
            on_line=interrupt,
        )
    deadline = time.monotonic() + 10
    while identify(int(child.read_text())) is not None:  # ended at once, but reaped by init in its own time
        assert time.monotonic() < deadline, "the child outlived the interrupted command"
        time.sleep(0.02)


def test_a_command_over_its_limit_fails(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="took more than 0 s"):
        run(["sleep", "30"], part="x", log=tmp_path / "log", hint="", limit=0.1)


def test_ticks_come_while_a_command_is_silent(tmp_path: Path) -> None:
    ticked = threading.Event()
    run(["sleep", "1.5"], part="x", log=tmp_path / "log", hint="", tick=ticked.set)
    assert ticked.is_set()


def test_a_short_command_that_fails_says_nothing() -> None:
    assert output_of(["sh", "-c", "echo no; exit 1"]) == ""
    assert output_of(["/nowhere/at-all"]) == ""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _progress(elapsed: float, step: str = "compiling packages") -> Progress:
    return Progress("9 programs", 3, 11, step, elapsed, done=120, total=4000)


def test_progress_reads_as_a_sentence() -> None:
    assert str(_progress(83.4)) == "part 3 of 11, 9 programs: compiling packages 120/4000 (1:23)"


def test_without_a_terminal_there_is_a_line_a_step_and_every_15_seconds() -> None:
    stream = io.StringIO()
    show = ProgressLine(stream)
    for elapsed in (0.0, 1.0, 14.0, 15.0, 16.0):
        show(_progress(elapsed))
    show(_progress(17.0, step="linking"))
    assert [line.rpartition("(")[2] for line in stream.getvalue().splitlines()] == ["0:00)", "0:15)", "0:17)"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_renews_itself() -> None:
    stream = _Terminal()
    show = ProgressLine(stream)
    show(_progress(1.0))
    show(_progress(2.0))
    show.close()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")
