"""A person's side of the command line: logging in, the session that is kept, and what it gives `kubectl`.

The session is a file that only its owner can read. It is renewed by itself, once for all processes that need it;
nothing of it is ever an argument or printed, but the token that `token` prints for kubectl, as its protocol wants it.
"""
