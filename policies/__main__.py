"""The pack: every rule, mandatory and per resource, so that a violation stops the resource itself."""

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from rules import RULES, Rule


def _policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in rule.check(args.resource_type, args.props):
            report(violation, None)

    return ResourceValidationPolicy(name=rule.name, description=rule.description, validate=validate)


PolicyPack("agent-ready-k8s", [_policy(rule) for rule in RULES], enforcement_level=EnforcementLevel.MANDATORY)
