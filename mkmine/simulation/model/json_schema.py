"""The JSON Schema of a model's file, by which editors check and complete it while one writes."""

from __future__ import annotations

import json
from typing import Any

from mkmine.simulation.model.model import SimulationModel

__all__ = ["schema", "schema_text"]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a simulation model.

    Put `# yaml-language-server: $schema=simulation-model.schema.json` on the first line of a model's file.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mkmine simulation model",
        **SimulationModel.model_json_schema(mode="validation"),
    }


def schema_text() -> str:
    """Return the schema as the text of `docs/simulation-model.schema.json`."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
