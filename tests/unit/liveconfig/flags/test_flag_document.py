"""docs/flags.md: every example works as written, and its tables are complete."""

import json
import re
from pathlib import Path

from liveconfig.flags import FlagSet, Reason, Why, check, from_flagd
from liveconfig.flags.operators import OPERATORS
from liveconfig.flags.results import ErrorCode

TEXT = (Path(__file__).parents[4] / "docs/flags.md").read_text()


def test_every_example_works_as_written() -> None:
    blocks = re.findall(r"^```(json|python)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    names = {"FlagSet": FlagSet, "from_flagd": from_flagd, "check": check}
    assert len(blocks) == 12, "a JSON and a Python block each"
    for (kind, data), (language, code) in zip(blocks[::2], blocks[1::2], strict=True):
        assert (kind, language) == ("json", "python")
        document = json.loads(data)
        exec(code, {**names, "document": document})
        for definition in document.get("flags", {}).values():
            assert check(definition, document.get("$evaluators", {})) == []


def test_every_operator_reason_and_code_is_described() -> None:
    tables = "\n".join(line for line in TEXT.splitlines() if line.startswith("|"))
    assert not [operator for operator in OPERATORS if f"`{operator}`" not in tables]
    assert not [word for word in [*Reason, *Why] if word not in TEXT]
    assert not [code for code in ErrorCode if code not in TEXT and code is not ErrorCode.TARGETING_KEY_MISSING]
