"""`make bench`: every bench of this folder, one after another; each prints its own ratios.

    python -m benches [NAME …] [FLAG …]

Names come first; what follows the first flag goes to each bench as it is (`fit --threads 1`).

A bench is a module with a `main(arguments) -> int`. They want a quiet machine and say so.
"""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the named benches, or all of them, each in a process of its own."""
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("*.py") if not path.stem.startswith("_"))
    arguments = sys.argv[1:]
    count = next((i for i, one in enumerate(arguments) if one.startswith("-")), len(arguments))
    named, flags = arguments[:count] or known, arguments[count:]
    unknown = sorted(set(named) - set(known))
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    worst = 0
    for name in named:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(here / f"{name}.py"), *flags], check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
