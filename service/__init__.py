"""The platform's own service. Today: the outbox's sweeper; the HTTP API joins it here.

Here belongs what runs all the time and composes the database, the cluster, the engine and the live channel. SQL,
Kubernetes calls and Pulumi programs do not: they have rooms of their own.
"""
