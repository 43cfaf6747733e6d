"""Host: the worlds that one page can show, and which of them it shows now."""

from __future__ import annotations

from observatory.desk import Observatory
from observatory.lab_process import LabProcess, LabState
from storage.workspace import Workspace


class Host:
    """The real world, and beside it the lab while it runs. The choice holds for all tabs."""

    def __init__(self, home: Observatory, *, lab: LabProcess, lab_workspace: Workspace) -> None:
        self._home = home
        self._lab = lab
        self._lab_workspace = lab_workspace
        self._lab_desk: Observatory | None = None

    @property
    def current(self) -> Observatory:
        """The world that is shown: the lab as long as it runs, else the real one."""
        desk = self._lab_desk
        return desk if desk is not None and self.lab_state is LabState.RUNNING else self._home

    @property
    def lab_state(self) -> LabState:
        """Off, starting, running or failed."""
        return self._lab.state

    @property
    def lab_message(self) -> str:
        """What the lab is building, or why it failed."""
        return self._lab.message

    def start_lab(self) -> None:
        """Begin to build the lab and return at once; when it is ready, it is what is shown."""
        self._lab.start(when_ready=self._open_lab)

    def enter_lab(self) -> None:
        """Build the lab and wait until it is shown.

        Raises:
            WorldError: it cannot be built here; says why.
        """
        self.start_lab()
        self._lab.wait()

    def leave_lab(self) -> None:
        """Go back to the real world; the lab ends, what it collected stays in its folder."""
        desk, self._lab_desk = self._lab_desk, None
        if desk is not None:
            job = desk.active_job()
            if job is not None:
                desk.cancel(job.id)
            desk.close()
        self._lab.stop()

    def close(self) -> None:
        """End what the page started."""
        self.leave_lab()
        self._home.close()

    def _open_lab(self) -> None:
        facts = self._lab.facts
        self._lab_desk = Observatory(
            self._lab_workspace,
            name="Lab",
            description=(
                f"A made-up world, seed {facts['seed']}: {facts['nodes']:,} DHT nodes, "
                f"{facts['sessions']} clients, {facts['torrents']} torrents"
            ),
            is_lab=True,
        )
