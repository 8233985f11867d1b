"""The relay: follows every organization of which it has pods, and pushes what is newer over the pods' connections.

It is part of the platform: it may read every organization's settings, and lets a pod have its own and the platform's.
A thousand pods cost one query a change. Run as `python -m liveconfig.relay`; `--help` lists the settings.
"""
