"""`python -m tsrep` is `tsrep`."""

from tsrep.cli import main

if __name__ == "__main__":
    main()
