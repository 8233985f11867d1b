"""The operator's command line: `python -m cli`.

Here belongs what turns a command into calls of the HTTP API and its answers into text. It imports nothing of ours and
decides nothing: names, sizes, rights and rules are the API's, whose refusals are shown as they are. So it works against
any installation, with two variables: `API_URL` and `OPERATOR_TOKEN`.

Results go to standard output; progress, notes and errors to standard error. Secrets are never printed.
"""
