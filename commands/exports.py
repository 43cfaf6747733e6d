"""`export`: takes tables, figures, the methods or the classic form of a run out of the house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from commands.places import PROJECT, WorkspaceOption, open_desk
from commands.terminal import JsonFlag, console, leave, print_json, watch_job
from observatory.job import JobKind

_OUTLINES = PROJECT / "dashboard" / "assets"

TableOption = Annotated[
    str | None, typer.Option("--table", "-t", help="Which table to write; `--list` names them.")
]
FigureOption = Annotated[
    str | None, typer.Option("--figure", "-f", help="Which figure to write; `--list` names them.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The file to write. Tables: .csv, .parquet, .geojson. Figures: .html, .png, .svg.",
    ),
]
ClassicOption = Annotated[
    Path | None,
    typer.Option(
        "--classic",
        help="Write runs/*.json, json/bar.json, json/geo.json, bulkTorrents/index.json here.",
    ),
]


def export(
    run: Annotated[
        str, typer.Argument(help="Which run: its name, or `latest`.", metavar="RUN")
    ] = "latest",
    table: TableOption = None,
    figure: FigureOption = None,
    methods: Annotated[
        bool, typer.Option("--methods", help="Write how each number of the run came about.")
    ] = False,
    classic: ClassicOption = None,
    out: OutOption = None,
    min_cell: Annotated[
        int,
        typer.Option("--min-cell", min=1, help="Hide counts of fewer peers than this; 1: none."),
    ] = 10,
    against: Annotated[
        str | None, typer.Option("--against", help="The earlier run, for a table of two runs.")
    ] = None,
    cell_deg: Annotated[
        float | None,
        typer.Option("--cell-deg", help="Height of cells in degrees, for table `cells`.  [1]"),
    ] = None,
    bin_mb: Annotated[
        int | None,
        typer.Option("--bin-mb", help="Width of bins in MB, for table `histogram`.  [100]"),
    ] = None,
    run_option: Annotated[
        str | None, typer.Option("--run", help="The same as RUN.", show_default=False)
    ] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Name the tables and figures that there are.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a table, a figure, the methods or the classic form of a run."""
    if listing:
        _list(as_json=as_json)
        return
    wanted = [name for name in (table, figure, classic) if name] + [True] * methods
    if len(wanted) != 1:
        raise typer.BadParameter(
            "say what to write, and one thing at a time: --table NAME, --figure NAME, --methods "
            "or --classic DIR (--list names tables and figures)"
        )
    chosen = run_option or run
    if classic is not None:
        _classic(classic, chosen, workspace, as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter("say where to write with --out FILE")
    desk = open_desk(workspace)
    settings = desk.settings()
    from observatory.exporting import chosen_run, export_figure, export_methods, export_table

    reader = chosen_run(desk.workspace, chosen)
    if table is not None:
        found = export_table(
            desk.workspace,
            reader,
            table,
            out,
            min_cell=min_cell,
            against=against,
            cell_deg=cell_deg,
            bin_mb=bin_mb,
        )
    elif figure is not None:
        found = export_figure(
            desk.workspace,
            reader,
            figure,
            out,
            min_cell=min_cell,
            settings=settings,
            outlines=_OUTLINES,
        )
    else:
        found = export_methods(reader, out)
    if as_json:
        print_json({"run_id": reader.run_id, **found.document})
    else:
        console.print(Text(found.sentence), soft_wrap=True)


def _list(*, as_json: bool) -> None:
    from observatory.export_figures import FIGURES
    from observatory.export_tables import TABLES

    tables = {name: table.meaning for name, table in TABLES.items()}
    if as_json:
        print_json({"tables": tables, "figures": dict(FIGURES)})
        return
    for title, named in (("--table", tables), ("--figure", FIGURES)):
        shown = Table(title, "", box=None, title_justify="left")
        for name, meaning in named.items():
            shown.add_row(name, meaning)
        console.print(shown)


def _classic(folder: Path, run: str, workspace: Path | None, *, as_json: bool) -> None:
    desk = open_desk(workspace)
    run_id = None if run == "latest" else run
    with watch_job(quiet=as_json) as watch:
        arguments: dict[str, object] = {"folder": str(folder.resolve()), "run_id": run_id}
        job = desk.run_here(JobKind.EXPORT, arguments, watch)
    leave(job, as_json=as_json)
