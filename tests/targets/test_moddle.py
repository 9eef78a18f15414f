"""What mkmine exports is read by bpmn-moddle, the reader of bpmn.io and Camunda Modeler, without a warning."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mkmine as mk
from mkmine.targets import Flow, Node, ProcessModel, parse_bpmn, to_bpmn
from tests.conformance.blocks import Block, blocks, to_model
from tests.targets.samples import CAMUNDA, SIGNAVIO

VERSION = "10.3.1"
SCRIPT = """
import { readFileSync } from 'node:fs';
import { BpmnModdle } from 'bpmn-moddle';
const told = {};
for (const path of process.argv.slice(2)) {
  try {
    const { rootElement, warnings } = await new BpmnModdle().fromXML(readFileSync(path, 'utf8'));
    const elements = rootElement.rootElements.filter(one => one.$type === 'bpmn:Process')
      .flatMap(one => one.flowElements || []);
    const drawn = new Set((rootElement.diagrams || []).flatMap(one => one.plane.planeElement)
      .map(one => one.bpmnElement && one.bpmnElement.id));
    told[path] = { warnings: warnings.map(one => one.message), elements: elements.length,
      undrawn: elements.map(one => one.id).filter(id => !drawn.has(id)) };
  } catch (error) {
    told[path] = { warnings: [error.message], elements: 0, undrawn: [] };
  }
}
console.log(JSON.stringify(told));
"""
Reader = Callable[[dict[str, ProcessModel | bytes]], dict[str, dict[str, object]]]


@pytest.fixture(scope="module")
def moddle(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Read models with bpmn-moddle; the tests are skipped, and counted, where npm or its registry is missing."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is absent: bpmn-moddle does not check the exports")
    place = tmp_path_factory.mktemp("moddle")
    (place / "package.json").write_text('{"private": true}', encoding="utf-8")
    (place / "read.mjs").write_text(SCRIPT, encoding="utf-8")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", f"bpmn-moddle@{VERSION}"]
    done = subprocess.run(install, cwd=place, capture_output=True, text=True, timeout=180)
    if done.returncode:
        pytest.skip(f"bpmn-moddle could not be installed: {done.stderr[-200:]}")

    def read(models: dict[str, ProcessModel | bytes]) -> dict[str, dict[str, object]]:
        for name, model in models.items():
            written = model if isinstance(model, bytes) else to_bpmn(model)
            (place / f"{name}.bpmn").write_bytes(written)
        command = [node, "read.mjs", *(f"{name}.bpmn" for name in models)]
        answer = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120, check=True)
        told: dict[str, dict[str, object]] = json.loads(answer.stdout)
        return told

    return read


def sound(told: dict[str, dict[str, object]], models: dict[str, ProcessModel | bytes]) -> None:
    """Every file was read without a warning, holds all that the model has, and everything in it is drawn."""
    assert len(told) == len(models)
    for name, model in models.items():
        found = told[f"{name}.bpmn"]
        assert found["warnings"] == [], name
        assert found["undrawn"] == [], name
        if isinstance(model, ProcessModel):
            assert found["elements"] == len(model.nodes) + len(model.flows)


def test_the_check_can_fail(moddle: Reader) -> None:
    text = to_bpmn(parse_bpmn(CAMUNDA.encode())).decode()
    broken = text.replace('targetRef="', 'targetRef="no_', 1).encode()
    assert moddle({"broken": broken})["broken.bpmn"]["warnings"]


def test_exports_are_read_without_warnings(moddle: Reader, root: Path) -> None:
    log = mk.read(root / "data" / "article" / "tracker.csv")
    strange = ProcessModel(
        name='A "quoted" <b>name</b> & more',
        nodes=(
            Node(id="1 start", kind="start"),
            Node(id="<b>", kind="task", name="a<b>&\u202e", lane="Lane & Co", documentation="long\ntext"),
            Node(id="id_1", kind="end"),
        ),
        flows=(Flow(id="x y", source="1 start", target="<b>"), Flow(id="é", source="<b>", target="id_1", name="<i>")),
    )
    models: dict[str, ProcessModel | bytes] = {
        "camunda": parse_bpmn(CAMUNDA.encode()),
        "signavio": parse_bpmn(SIGNAVIO.encode()),
        "article": mk.read_target(root / "data" / "article" / "to_be.bpmn").model,
        "article_file": (root / "data" / "article" / "to_be.bpmn").read_bytes(),
        "discovered": mk.discover_model(log),
        "strange": strange,
    }
    sound(moddle(models), models)


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(st.lists(blocks(), min_size=25, max_size=25))
def test_any_block_is_read_without_warnings(moddle: Reader, found: list[Block]) -> None:
    models: dict[str, ProcessModel | bytes] = {f"m{number}": to_model(one) for number, one in enumerate(found)}
    sound(moddle(models), models)
