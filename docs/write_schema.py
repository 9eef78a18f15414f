"""Write docs/simulation-model.schema.json, the JSON Schema of a simulation model's file."""

from __future__ import annotations

from pathlib import Path

from mkmine.simulation.model.json_schema import schema_text

if __name__ == "__main__":
    Path(__file__).with_name("simulation-model.schema.json").write_text(schema_text(), encoding="utf-8")
