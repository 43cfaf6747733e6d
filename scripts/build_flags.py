"""Build dashboard/assets/flags.webp, the flags of all countries in one picture, with Chromium.

Flags: country-flag-icons (MIT, catamphetamine). `npm pack country-flag-icons@1.6.20`, unpack it,
and `python scripts/build_flags.py package/3x2`. A flag's row and column are the letters of its
code: assets/overview.js finds it by that alone.
"""

from __future__ import annotations

import base64
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH_PX, HEIGHT_PX = 36, 24  # twice what is shown: sharp on dense screens
_OUT = Path(__file__).parents[1] / "dashboard" / "assets" / "flags.webp"
_QUALITY = 0.8
_DRAW = """
async ([flags, width, height, quality]) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [26 * width, 26 * height];
  const pen = canvas.getContext("2d");
  for (const [code, address] of flags) {
    const flag = new Image(width, height);
    flag.src = address;
    await flag.decode();
    const [row, column] = [...code].map((letter) => letter.charCodeAt(0) - 65);
    pen.drawImage(flag, column * width, row * height, width, height);
  }
  return canvas.toDataURL("image/webp", quality);
}
"""


def main(folder: Path) -> None:
    """Draw every two-letter flag of the folder into one picture."""
    flags = [
        (path.stem, "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode())
        for path in sorted(folder.glob("[A-Z][A-Z].svg"))
    ]
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        drawn = browser.new_page().evaluate(_DRAW, [flags, WIDTH_PX, HEIGHT_PX, _QUALITY])
        browser.close()
    _OUT.write_bytes(base64.b64decode(drawn.partition(",")[2]))
    sys.stdout.write(f"{len(flags)} flags, {_OUT.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
