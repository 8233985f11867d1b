"""Feature flags, evaluated where the code runs: flagd's semantics, OpenFeature's reasons and codes.

    dark_mode = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    flags = FlagSet({"dark_mode": dark_mode})
    flags.evaluate("dark_mode", False, {"targetingKey": "ada"}, "boolean").value

Rules are data (docs/flags.md). A definition is compiled into closures once; an evaluation never raises, never blocks
and is bounded in depth, size and work.
"""

from liveconfig.flags.checking import check, check_evaluators, check_set
from liveconfig.flags.compiling import Problem
from liveconfig.flags.documents import Document, DocumentError, from_flagd, to_flagd
from liveconfig.flags.flagset import FlagSet
from liveconfig.flags.results import Details, ErrorCode, FlagType, Reason
from liveconfig.flags.staleness import Stale, Usage, Why, stale

__all__ = [
    "Details",
    "Document",
    "DocumentError",
    "ErrorCode",
    "FlagSet",
    "FlagType",
    "Problem",
    "Reason",
    "Stale",
    "Usage",
    "Why",
    "check",
    "check_evaluators",
    "check_set",
    "from_flagd",
    "stale",
    "to_flagd",
]
