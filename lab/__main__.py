"""`python -m lab`."""

import os
import sys
from typing import NoReturn

from lab.cli.main import BRIEF, main


def run() -> NoReturn:
    """Run the command line; a brief command leaves without taking its memory apart."""
    code = main()
    if sys.argv[1] in BRIEF:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
