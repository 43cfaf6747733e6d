"""Where the command line works: the project's own folder, unless the user names another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storage.workspace import Workspace

if TYPE_CHECKING:
    from observatory.desk import Observatory

PROJECT = Path(__file__).resolve().parent.parent
LAB_ROOT = PROJECT / ".lab"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        help="Folder with config.txt, bulkTorrents/, runs/ and json/; the project's by default. "
        "`.lab` is the lab's while it runs.",
        show_default=False,
    ),
]


def open_workspace(root: Path | None) -> Workspace:
    """The folder that the user named, or the project's own.

    Raises:
        BadParameter: there is no such folder.
    """
    if root is not None and not root.is_dir():
        raise typer.BadParameter(f"--workspace {root}: there is no such folder; make it first")
    return Workspace((root or PROJECT).resolve())


def open_desk(root: Path | None) -> Observatory:
    """The observatory of a workspace; the real world unless the folder is the lab's.

    Raises:
        BadParameter: there is no such folder.
    """
    workspace = open_workspace(root)
    from observatory.desk import Observatory  # SQLAlchemy and polars, for commands that run

    if workspace.root == LAB_ROOT:
        return Observatory(
            workspace, name="Lab", description="The lab's world on this machine", is_lab=True
        )
    return Observatory(workspace, name="Internet", description="The real BitTorrent network")
