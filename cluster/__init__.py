"""The control plane's own way to the Kubernetes API, for what the engine's provider cannot do safely.

Here belong create-only namespace claims, the import of a namespace that was named on purpose, quota changes at once,
the isolation gate's read-back, the proof that admission policies are in force, and drift reading. What an organization
should be is not decided here (tenants/), and ordinary objects are Pulumi's (components/). No other room talks to the
API server.
"""
