"""`projects`, `notes`, `documents`: what an organization keeps, by its members' sessions.

The three have the same verbs, which are in `verbs`; the modules of the same names say what a row of each consists of.
"""
