"""`python main.py [dashboard]`: serve the page."""

from __future__ import annotations

import errno
import socket
import sys
import threading
import webbrowser
from ipaddress import ip_address
from typing import Annotated

import typer

from commands.places import LAB_ROOT, PROJECT, WorkspaceOption, open_desk
from commands.terminal import console
from storage.workspace import Workspace
from swarm.errors import SwarmError

Port = Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0 takes any free port.")]
HostOption = Annotated[str, typer.Option("--host", help="Address to serve on.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")]
LabFlag = Annotated[
    bool, typer.Option("--lab", help="Build the lab's world first and show the page upon it.")
]


def dashboard(
    workspace: WorkspaceOption = None,
    port: Port = 8050,
    host: HostOption = "127.0.0.1",
    no_browser: NoBrowser = False,
    use_lab: LabFlag = False,
) -> None:
    """Open the page: scrape, fetch, and see where the peers are. What a bare `main.py` does."""
    listener = _listen(host, port)
    from dashboard.access import Access  # Dash, Plotly and polars, for the page alone
    from dashboard.app import build_app, serve
    from dashboard.security import NAMES_KEY
    from observatory.host import Host
    from observatory.lab_process import LabProcess
    from storage.access_token import load_or_make_token

    home = open_desk(workspace)
    lab_root = LAB_ROOT if workspace is None else workspace.resolve() / ".lab"
    worlds = Host(home, lab=LabProcess(lab_command(lab_root)), lab_workspace=Workspace(lab_root))
    try:
        if use_lab:
            console.print("Building the lab's world ...")
            worlds.enter_lab()
        address, bound = listener.getsockname()[:2]
        shown = "127.0.0.1" if ip_address(address).is_unspecified else address
        url = f"http://{f'[{shown}]' if ':' in shown else shown}:{bound}"
        names = home.settings().trusted_hosts
        token, made = load_or_make_token(home.workspace.token_path)
        demanded = bool(names) or not ip_address(address).is_loopback
        login = f"{url}/login#{token}" if demanded else url
        sys.stdout.write(f"Serving on {url} (Ctrl-C ends it)\n")
        if demanded and made:
            sys.stdout.write(f"Log in, this once shown: {login}\n")
        elif demanded:
            sys.stdout.write(f"It asks for the token in {home.workspace.token_path}\n")
        sys.stdout.flush()
        if not no_browser:
            threading.Timer(0.5, webbrowser.open, [login]).start()
        app = build_app(worlds, Access(token, demanded=demanded))
        app.server.config[NAMES_KEY] = names
        serve(app, listener)
    finally:
        worlds.close()


def lab_command(root: object) -> list[str]:
    """The command that runs a lab for a parent process."""
    return [
        sys.executable,
        str(PROJECT / "main.py"),
        "lab",
        "--json",
        "--until-eof",
        "--root",
        str(root),
    ]


def _listen(host: str, port: int) -> socket.socket:
    """Bind first, so that a taken port is said before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SwarmError(
                f"port {port} on {host} is taken, perhaps by another Swarm Atlas: close that one, "
                f"or choose another with --port {port + 1 if port < 65535 else 0}"
            ) from None
        raise SwarmError(f"cannot serve on {host}:{port}: {error.strerror or error}") from None
    return listener
