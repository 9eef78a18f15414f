from __future__ import annotations

import json
from pathlib import Path

from mkmine.simulation import SimulationModel
from mkmine.simulation.model.json_schema import schema, schema_text

PUBLISHED = Path(__file__).parents[2] / "docs" / "simulation-model.schema.json"


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "run python docs/write_schema.py"


def test_it_knows_every_key_and_no_other() -> None:
    found = schema()
    assert set(found["properties"]) == set(SimulationModel.model_fields)
    assert found["additionalProperties"] is False
    activity = found["$defs"]["ActivityModel"]
    assert {"duration", "next"} == set(activity["required"])
    assert activity["properties"]["at_closing"]["enum"] == ["pause", "finish", "wait"]
    assert json.loads(schema_text()) == found
