"""When people work: weekly hours by person, role or office, and absences."""

from mkmine.performance.availability import Presence, estimate_presence

__all__ = ["Presence", "estimate_presence"]
