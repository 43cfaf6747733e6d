"""The worker process behind a click: `python -m observatory.worker WORKSPACE JOB_ID`.

It outlives the page that started it: a reload, a second tab or a restart of the server do not
touch it. SIGTERM ends its job as cancelled.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from storage.workspace import Workspace

_PROJECT = Path(__file__).resolve().parent.parent


def start_worker(workspace: Workspace, job_id: int) -> None:
    """Start a process that runs the job, in a session of its own, logging to runs/logs/."""
    workspace.logs_dir.mkdir(parents=True, exist_ok=True)
    with (workspace.logs_dir / f"job-{job_id}.log").open("ab") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-m", "observatory.worker", str(workspace.root), str(job_id)],
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )
    _children.append(process)


_children: list[subprocess.Popen[bytes]] = []


def reap_workers() -> None:
    """Collect the exit codes of ended workers, so that they do not stay as zombies."""
    _children[:] = [child for child in _children if child.poll() is None]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the job that the arguments name."""
    from observatory.board import run_job

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s level=%(levelname)s logger=%(name)s %(message)s"
    )
    # It names whole addresses, and those of feeds hold keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    root, job_id = sys.argv[1:]
    run_job(Workspace(Path(root)), int(job_id))


if __name__ == "__main__":
    main()
