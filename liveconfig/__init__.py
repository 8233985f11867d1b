"""Live configuration for customers' pods: the wire format, its publisher, and (from issue 6 on) the client library.

PostgreSQL holds the values; Redis only says "version N of this key exists". Nothing here imports the control plane.
"""
