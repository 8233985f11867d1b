"""The platform's own service: the HTTP API, its sagas and their recovery, the queue, the outbox's sweeper.

Here belongs what runs all the time and composes the database, the cluster, the engine and the live channel. SQL,
Kubernetes calls and Pulumi programs do not: they have rooms of their own. Nothing assumes that it runs once: replicas
share one database, and what one leaves behind another finishes.
"""
