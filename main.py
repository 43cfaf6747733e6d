"""Swarm Atlas: where the people are who share a torrent. With no argument, opens the page."""

import sys

try:
    from commands.app import main
except ModuleNotFoundError as error:
    if error.name in ("commands", "swarm", "observatory"):
        raise
    sys.exit(f"{error}: run `make setup`, then start with .venv/bin/python main.py")

if __name__ == "__main__":
    main()
