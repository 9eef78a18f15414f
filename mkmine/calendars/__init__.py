"""Working time: weekly patterns, shifts, public holidays, absences, and exact arithmetic with them.

All instants and durations are int64 microseconds; instants count from the epoch in UTC. A calendar is compiled once for
a range of years into sorted open intervals with their cumulative length, so that a difference or an addition is two
look-ups in a table, vectorised, and right across nights, holidays and changes of summer time.
"""

from mkmine.calendars.calendar import Calendar
from mkmine.calendars.days import Absence
from mkmine.calendars.holidays import holidays_of
from mkmine.calendars.moments import DAY, HOUR, MINUTE, from_us, from_year, local_time, to_us, zone
from mkmine.calendars.official import public_holidays
from mkmine.calendars.patterns import Rotation
from mkmine.calendars.timeline import Timeline

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Absence",
    "Calendar",
    "Rotation",
    "Timeline",
    "from_us",
    "from_year",
    "holidays_of",
    "local_time",
    "public_holidays",
    "to_us",
    "zone",
]
