"""Administration: who belongs to an organization and what they did there; the platform's staff, keys and clients.

What is about an organization acts by the person's session, what is about the platform alone by OPERATOR_TOKEN, if
that is set.
"""
