"""``python -m candlewick.local <command>``."""

import sys

from candlewick.local.cli import main

sys.exit(main(sys.argv[1:]))
