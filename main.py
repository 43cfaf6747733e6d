"""Swarm Atlas: where the people are who share a torrent. With no argument, opens the page."""

from commands.app import main

if __name__ == "__main__":
    main()
