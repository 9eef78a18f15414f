"""Make the pictures of the README anew from the sample: python docs/pictures/make.py

The map needs nothing beside mkmine. The page of the report is photographed by Chromium or Chrome, wherever one is
installed (or where the variable CHROMIUM points); without one its picture is left as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import vl_convert

import mkmine as mk
from mkmine.catalogue.article import scenarios
from mkmine.catalogue.samples import sample

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def browser() -> str | None:
    """Return the path of a Chromium, if there is one."""
    told = os.environ.get("CHROMIUM")
    return told or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def photograph(program: str, page: Path, picture: Path, *, width: int, height: int) -> None:
    """Save a picture of the top of a page."""
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
    command = [program, *options, f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


def main() -> int:
    """Make both pictures; returns the exit code."""
    files = sample("article")
    log = mk.read(files.log)
    drawn = mk.draw(mk.discover(log, paths=0.6), metric="time", language="ru")
    (HERE / "map.png").write_bytes(vl_convert.svg_to_png(drawn.svg, scale=1.2))
    print(f"made {HERE / 'map.png'}")
    program = browser()
    if program is None:
        print("no Chromium or Chrome found: report.png is left as it is", file=sys.stderr)
        return 1
    answer = mk.experiment(mk.calibrate(log), scenarios(), replications=30, seed=7, validation=mk.backtest(log))
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "report.html"
        mk.report(log, to_be=mk.read_target(files.to_be), experiment=answer, language="ru").save(page)
        photograph(program, page, HERE / "report.png", width=1200, height=1500)
    print(f"made {HERE / 'report.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
