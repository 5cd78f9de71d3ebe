"""`python -m tsrep_vision` is `tsrep-vision`."""

from tsrep_vision.cli import main

if __name__ == "__main__":
    main()
