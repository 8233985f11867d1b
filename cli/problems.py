"""From an answer that is an error to an exception: RFC 9457 problems, and what is no problem document at all."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import ValidationError

from cli.answers import Problem
from cli.bearers import Bearer
from cli.errors import BadAnswer, Busy, CliError, Outdated, Refused, Unavailable

WITHOUT_A_HINT = 5.0  # seconds, when a busy API does not say how long


def refusal(response: httpx2.Response, bearer: Bearer) -> CliError:
    """The exception for an answer that is no success, to a call of `bearer`; the response has to be read already."""
    status = response.status_code
    problem = _problem(response)
    text = f"{problem.sentence} (HTTP {status}{_request(problem)})"
    if status == 429 or (status == 503 and "retry-after" in response.headers):
        return Busy(text, retry_after(response.headers.get("retry-after", "")))
    if status >= 500:
        return Unavailable(text, "`python -m cli status` says how it is; its log has the request id.")
    if not problem.title or status < 400:
        return BadAnswer(text, "Is API_URL the address of this API?")
    fields = tuple((error.field, error.problem) for error in problem.errors)
    kind = Outdated if status == 412 else Refused
    return kind(text, bearer.way_out(status, problem.kind), fields=fields, kind=problem.kind)


def retry_after(value: str) -> float:
    """Seconds from a `Retry-After` header, which holds seconds or a date."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return WITHOUT_A_HINT
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _problem(response: httpx2.Response) -> Problem:
    """The problem document; one without a title for a body that is none, as a proxy sends it."""
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return Problem(title="")


def _request(problem: Problem) -> str:
    return f", request {problem.request_id}" if problem.request_id else ""
