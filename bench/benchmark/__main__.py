"""`python -m bench.benchmark` measures."""

import sys

from bench.benchmark.timing import main

if __name__ == "__main__":
    sys.exit(main())
