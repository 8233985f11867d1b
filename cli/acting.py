"""Who a command acts as: an operator by OPERATOR_TOKEN, or a person by the session; AGENT_READY_AS may say which."""

from enum import Enum

from cli.bearers import Bearer, Nobody, Operator
from cli.errors import Misused
from cli.identity.keeper import Keeper
from cli.settings import ACTS_AS, SOURCE, TOKEN, Settings


class By(Enum):
    """Whose command it is, when AGENT_READY_AS says nothing."""

    OPERATOR = "the operator's if OPERATOR_TOKEN is set, else the session's"
    ANYBODY = "the operator's if OPERATOR_TOKEN is set, else nobody's"
    PERSON = "the session's"
    SELF = "the session's, whatever AGENT_READY_AS says: it is about the session"


def bearer(by: By, settings: Settings, keeper: Keeper) -> Bearer:
    """Who makes the calls of a command; raise Misused if AGENT_READY_AS names what there is not."""
    if by is By.SELF or settings.acts_as == "session":
        return keeper
    if settings.acts_as == "operator":
        if not settings.token:
            raise Misused(f"{ACTS_AS} is operator, and {TOKEN} is not set.", SOURCE)
        return Operator(settings.token)
    if by is By.PERSON:
        keeper.instead = f"{ACTS_AS}=operator acts by {TOKEN}." if settings.token else ""
        return keeper
    if settings.token:
        return Operator(settings.token)
    return keeper if by is By.OPERATOR and keeper.kept() else Nobody()
