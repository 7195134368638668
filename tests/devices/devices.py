#!/usr/bin/python3
"""devices.py KIND ...: see README.md."""

import sys

from simulated.cli import main

if __name__ == "__main__":
    sys.exit(main())
