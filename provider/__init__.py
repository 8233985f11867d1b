"""The `tenancy` resource provider: rows, claims and the isolation gate as Pulumi resources.

Here belong the resource classes that components use (`resources.py`) and what stands behind them: one handler a
kind, each a thin bridge to `database/` and `cluster/`. It runs as `pulumi-resource-tenancy` under the CLI and in
process under the service. What an organization is stays in `tenants/`.
"""
