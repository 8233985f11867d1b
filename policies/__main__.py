"""The pack: every rule is mandatory. Rules of single resources stop the resource itself, before it is registered.

The plans' limits stand in `limits.json`, written from `tenants/` by `python -m tenants.limits`; a file given by
`--policy-pack-config` overrides them, rule by rule.
"""

import json
import sys
from pathlib import Path

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

_PACK = Path(__file__).parent
sys.path.insert(0, str(_PACK.parent))  # Pulumi runs this folder; the pack is the package `policies`

from policies import secrecy  # noqa: E402
from policies.rules import RULES, STACK_RULES, Context, Resource, Rule, StackRule  # noqa: E402

_LIMITS = json.loads((_PACK / "limits.json").read_text(encoding="utf-8"))
_SCHEMA = PolicyConfigSchema(properties={"plans": {"type": "object", "default": _LIMITS}})


def _policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        context = Context(
            name=args.name,
            secrets=secrecy.paths(args.props),
            limits=args.get_config().get("plans", _LIMITS),
            delete_before_replace=bool(args.opts.delete_before_replace),
        )
        for violation in rule.check(args.resource_type, secrecy.without_paths(args.props), context):
            report(violation, None)

    return ResourceValidationPolicy(
        name=rule.name, description=rule.description, validate=validate, config_schema=_SCHEMA
    )


def _stack_policy(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [Resource(r.resource_type, r.urn, secrecy.without_paths(r.props)) for r in args.resources]
        for urn, violation in rule.check(resources, args.get_config().get("plans", _LIMITS)):
            report(violation, urn)

    return StackValidationPolicy(name=rule.name, description=rule.description, validate=validate, config_schema=_SCHEMA)


secrecy.remember()
_POLICIES: list[Policy] = [*map(_policy, RULES), *map(_stack_policy, STACK_RULES)]
PolicyPack("agent-ready-k8s", _POLICIES, enforcement_level=EnforcementLevel.MANDATORY)
