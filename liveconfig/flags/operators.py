"""Every operator that a rule may use: JSON Logic's, with the reference implementation's semantics, and flagd's.

No operator fails on a value: what JavaScript would turn into NaN, null or false is that here.
"""

from liveconfig.flags.access import ACCESS
from liveconfig.flags.arithmetic import ARITHMETIC
from liveconfig.flags.control import CONTROL
from liveconfig.flags.flagd import FLAGD
from liveconfig.flags.lists import LISTS
from liveconfig.flags.rules import Operator

JSON_LOGIC: dict[str, Operator] = {**ACCESS, **CONTROL, **ARITHMETIC, **LISTS}
OPERATORS: dict[str, Operator] = {**JSON_LOGIC, **FLAGD}
