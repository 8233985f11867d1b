"""Repairing drift: the engine reads what there is, brings it to what was deployed, and what is left is looked for."""

from database.operations import Operation
from engine.errors import EngineError
from service.change import converge
from service.drift import compare
from service.driving import commit, fail, under_lease
from service.found import find_ours
from service.problems import Problem
from service.services import Services
from service.steps import StepRecord
from tenants.model import Organization


async def drive(services: Services, operation: Operation) -> None:
    """Go on with a leased repair. There is nothing to set back: it only brings back what was."""
    await under_lease(services, operation, lambda record: _repair(services, operation, record))


async def _repair(services: Services, operation: Operation, record: StepRecord) -> None:
    try:
        await converge(services, operation, Organization.model_validate(operation.request), refresh=True)
    except EngineError as error:
        record.add("not repaired", str(error))
        if operation.attempt < services.settings.attempts:
            raise
        await _not_repaired(services, operation, [str(error)])
        return
    entry, organization = await find_ours(services, operation.slug)
    if left := await compare(services, entry, organization, but=operation.id):
        await _not_repaired(services, operation, [f"{item.kind} {item.name}: {item.problem}" for item in left])
        return
    await commit(services, operation, {})


async def _not_repaired(services: Services, operation: Operation, left: list[str]) -> None:
    problem = Problem(
        500, "not-repaired", "The organization still differs from what was deployed", "; ".join(left),
        more={"operation_id": operation.id, "left": left},
    )  # fmt: skip
    await fail(services, operation, problem)
