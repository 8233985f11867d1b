"""The embedded platform: a real Kubernetes API, PostgreSQL and Redis on this machine.

What belongs here: finding or building the parts, and starting, checking and stopping them as local processes.
What never does: organizations, plans, Pulumi resources, SQL migrations. Nothing here imports another room,
and the only third-party import is ``cryptography``.

The way through the room, from the door inwards::

    __main__  the command line            doctor    what runs, from where, what is wrong
    plane     one checkout's platform     external  parts that were named on purpose instead of started
    supervisor  start, keep, stop         servers/  one small class for each server
    pki, kubeconfig, variables, identities  what the others need to reach the servers
    record, layout, files, ports, processes, lock  the ground: what is remembered, where, and who is who
"""
