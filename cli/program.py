"""What the program is called: all texts say `python -m cli`, and are shown with the name that it was called by."""

import sys

MODULE, SCRIPT = "python -m cli", "agent-ready"


def name() -> str:
    """`agent-ready` for the script in `.local/bin`, which alone runs Python with -P; else `python -m cli`."""
    return SCRIPT if sys.flags.safe_path else MODULE


def renamed(text: str) -> str:
    """A text that names commands, with the program's name of now."""
    return text.replace(MODULE, name())
