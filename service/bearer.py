"""The token that a request shows."""

from fastapi import Request


def bearer(request: Request) -> str:
    """What follows `Authorization: Bearer`; empty if the header is missing, or says something else."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
