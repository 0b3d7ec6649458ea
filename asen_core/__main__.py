"""`python -m asen_core VERB`."""

from asen_core.cli import main

if __name__ == "__main__":
    main()
