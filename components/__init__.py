"""The Pulumi components: the only place that registers resources.

Here belong `organization.py`, which composes one tenant, `platform.py`, what a cluster and a database need once,
and the hooks. Nothing is decided here: every name, number and rule is copied from `tenants.plan`.
"""
