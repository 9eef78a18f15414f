"""Settings of the documentation: `python -m sphinx -W -b html docs build/docs`."""

from mkmine import __version__

project = "mkmine"
author = "the authors of mkmine"
release = version = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["pictures"]
nitpicky = True
html_theme = "furo"
html_title = f"mkmine {release}"
html_static_path: list[str] = []
html_copy_source = False
