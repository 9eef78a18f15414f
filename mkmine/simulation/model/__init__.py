"""What a simulation model says: its parts, how it is written, and what is refused."""

from mkmine.simulation.model.mixture import Profile
from mkmine.simulation.model.model import SimulationModel
from mkmine.simulation.model.parts import (
    ActivityModel,
    Arrivals,
    Batch,
    CalendarModel,
    CaseType,
    Context,
    Event,
    Gateway,
    GatewayVariant,
    Habit,
    Patience,
    Person,
    Route,
    Season,
    Sickness,
    SpecialDay,
    Variant,
    Wait,
    Way,
)

__all__ = [
    "ActivityModel",
    "Arrivals",
    "Batch",
    "CalendarModel",
    "CaseType",
    "Context",
    "Event",
    "Gateway",
    "GatewayVariant",
    "Habit",
    "Patience",
    "Person",
    "Profile",
    "Route",
    "Season",
    "Sickness",
    "SimulationModel",
    "SpecialDay",
    "Variant",
    "Wait",
    "Way",
]
