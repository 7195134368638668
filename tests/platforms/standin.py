#!/usr/bin/python3
"""standin.py PLATFORM --port P ...: see README.md."""

import sys

from standins.run import main

if __name__ == "__main__":
    sys.exit(main())
