"""The engine room: Pulumi stacks, how they are made, configured, locked and run.

Here belongs everything that starts a Pulumi engine. What is deployed stands in `components/`, what an organization
is in `tenants/`. Where the platform's parts are comes from the environment (`.local/env`), never from a default.
"""
