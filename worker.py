"""`python worker.py` works the queue; `python worker.py clock` is the clock."""

import sys

from creditapp.background import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
