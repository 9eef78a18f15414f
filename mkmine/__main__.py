"""`python -m mkmine`: the command line, where the installed command is not on the path."""

import sys

from mkmine.cli import main

if __name__ == "__main__":
    sys.exit(main())
