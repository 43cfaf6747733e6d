"""The file of DHT nodes that a workspace keeps from one run to the next.

It holds addresses of nodes, which are people's machines, but no peer and no infohash; so it is
readable by its owner only. Losing it costs a run some questions to the bootstrap nodes, nothing
else: a file that does not read is passed over, and one that cannot be written stops no run.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from crawler.kept_nodes import KeptNodes, decode_nodes, encode_nodes
from storage.durable import write_durably
from swarm.errors import StorageError

_LOG = logging.getLogger(__name__)

SAVE_INTERVAL_S = 60.0


class NodeFile:
    """Reads the nodes when it is made, and keeps what a run makes of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved_at = time.monotonic()
        self.nodes = _read(path)

    def save_if_due(self) -> None:
        """Write the nodes about once a minute, if any is new."""
        if time.monotonic() - self._saved_at >= SAVE_INTERVAL_S:
            self.save()

    def save(self) -> None:
        """Write the nodes as one step, if any is new."""
        self._saved_at = time.monotonic()
        if not self.nodes.changed:
            return
        try:
            write_durably(self._path, encode_nodes(self.nodes.snapshot()), mode=0o600)
        except StorageError as error:
            _LOG.warning("nodes not kept: reason=%s", error)


def _read(path: Path) -> KeptNodes:
    try:
        return KeptNodes(decode_nodes(path.read_bytes()))
    except FileNotFoundError:
        return KeptNodes()
    except (OSError, StorageError) as error:
        _LOG.warning("kept nodes passed over: file=%s reason=%s", path, error)
        return KeptNodes()
