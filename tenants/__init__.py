"""The domain: what an organization *is*, decided by pure functions.

Here belong the catalog's model and loader, the commercial plans, the roles, every name, and `plan()`, which turns
an organization into the whole of its tenant. Nothing here talks to a cluster, a database or Pulumi; the only I/O
is reading catalog files.
"""
