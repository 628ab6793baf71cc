import sys

from simsam.cli import main

if __name__ == "__main__":
    sys.exit(main())
