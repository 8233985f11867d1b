"""A sample service of a customer's: it reads its settings and flags in each request, and is never restarted for them.

`python -m liveconfig.sample` is what would run in a pod. `python -m liveconfig.sample.local SLUG` runs it here, with
what such a pod would get. It is not part of the package that is installed.
"""
