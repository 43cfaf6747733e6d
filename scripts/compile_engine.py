"""Compile the crawler's engine with mypyc; `make fast` calls this. Takes about 20 seconds.

The build goes beside this Python's packages, never into the source; `crawler.compiled` says when it
is used. Older builds are removed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crawler.compiled import MODULES, PACKAGE, build_dir

_SETUP = """
from setuptools import setup
from mypyc.build import mypycify
setup(name="swarm-atlas-engine", ext_modules=mypycify({arguments!r}, opt_level="3"))
"""
_ROOT = PACKAGE.parent


def main() -> None:
    """Build, and put the result into place in one step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, help="build there instead, and remove nothing")
    given: Path | None = parser.parse_args().to
    target = given or build_dir()
    if target.exists():
        print("The compiled engine is up to date.")
        return
    with tempfile.TemporaryDirectory(prefix="swarm-atlas-engine-") as scratch:
        folder = Path(scratch)
        _compile(folder)
        (folder / "complete").touch()
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.iterdir() if given is None else ():
            shutil.rmtree(old, ignore_errors=True)
        aside = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(folder, aside)
        aside.rename(target)
    print(f"The engine is compiled: {target}")


def _compile(folder: Path) -> None:
    (folder / "crawler").mkdir()
    for path in PACKAGE.glob("*.py"):
        shutil.copy(path, folder / "crawler")
    sources = [f"crawler/{name}.py" for name in MODULES]
    config = folder / "mypy.ini"
    config.write_text("[mypy]\nignore_missing_imports = True\nfollow_untyped_imports = False\n")
    script = folder / "setup.py"
    script.write_text(_SETUP.format(arguments=[f"--config-file={config}", *sources]))
    done = subprocess.run(
        [sys.executable, script.name, "-q", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(_ROOT), "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        print("\n".join(lines[-15:]), file=sys.stderr)
        sys.exit(
            "The engine was not compiled: it needs a C compiler and Python's headers (sudo apt "
            "install gcc python3-dev). Crawls work without, at two thirds of the speed."
        )
    script.unlink()
    config.unlink()
    shutil.rmtree(folder / "build", ignore_errors=True)


if __name__ == "__main__":
    main()
