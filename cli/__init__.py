"""The command line: `agent-ready`, or `python -m cli`.

Here belongs what turns a command into calls of the HTTP API and its answers into text. It imports nothing of ours and
decides nothing: names, sizes, rights and rules are the API's, whose refusals are shown as they are. So it works against
any installation, with `API_URL`; who acts is an operator by `OPERATOR_TOKEN`, or a person by the session of `login`.

Results go to standard output; progress, notes and errors to standard error. Secrets are never printed, but what `token`
gives kubectl. All texts say `python -m cli`, and are shown with the name that the program was called by.
"""
