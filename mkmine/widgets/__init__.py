"""The process map to look around in: one vanilla-JavaScript component for static pages, notebooks and the web app.

Today it stands in a static page and, as a sandboxed frame, in a notebook; the web app will use the same component.
"""

from mkmine.widgets.viewer import MapView, view

__all__ = ["MapView", "view"]
