"""Run the notebooks and save them with their outputs: python notebooks/execute.py [NAME ...]"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent


def execute(path: Path) -> float:
    """Run one notebook in place; returns the seconds it took."""
    notebook = nbformat.read(path, as_version=4)
    began = time.monotonic()
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}}).execute()
    for cell in notebook.cells:
        # When a cell ran, and as which number of this session, is noise in a diff.
        cell.metadata.pop("execution", None)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    nbformat.write(notebook, path)
    return time.monotonic() - began


if __name__ == "__main__":
    for chosen in [HERE / f"{Path(name).stem}.ipynb" for name in sys.argv[1:]] or sorted(HERE.glob("*.ipynb")):
        print(f"{chosen.name}: {execute(chosen):.1f} s", flush=True)
