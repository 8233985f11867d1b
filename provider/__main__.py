"""`python -m provider ENGINE_ADDRESS`: the tenancy provider as a Pulumi plugin."""

import sys

from provider.serve import main

sys.exit(main(sys.argv[1:]))
