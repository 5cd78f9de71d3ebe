"""The example server: what it gives is what the package gives, also after a restart."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

testclient = pytest.importorskip("fastapi.testclient", reason="fastapi is not installed: the extra serve")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from tsrep import load  # noqa: E402

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve"


def module_of(name):
    spec = importlib.util.spec_from_file_location(f"serve_{name}", EXAMPLE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where pydantic looks for types
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    module_of("prepare").prepare(folder, steps=2)
    return folder


@pytest.fixture
def start(served):
    app = module_of("app")
    return lambda: testclient.TestClient(app.create_app(served))


def test_vectors_are_those_of_the_encoder(served, start):
    panel = np.random.default_rng(0).normal(size=(3, 1, 50))
    panel[1, 0, 20:] = np.nan
    body = {"panel": [[[None if np.isnan(x) else x for x in row] for row in rows] for rows in panel.tolist()]}
    found = start().post("/encode", json=body).json()["series"]
    np.testing.assert_allclose(found, load(served / "detector").encoder_.transform(panel), atol=1e-4)


def test_a_restart_changes_no_score(served, start):
    points = np.sin(np.arange(3000, 3040) / 8)[:, None]
    points[25] = 5.0
    unbroken = load(served / "detector").online(history="training")
    found, expected = [], []
    for part in (points[:1], points[1:18], points[18:19], points[19:]):
        found += (
            start().post("/points", json={"points": part.tolist()}).json()["verdicts"]
        )  # a new server each time
        expected += unbroken.extend(part)
    assert [(v["score"], v["threshold"], v["alarm"]) for v in found] == [tuple(v) for v in expected]
    assert found[25]["alarm"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/points", {"points": [[1.0, 2.0]]}, "fitted with 1 channels"),
        ("/points", {"points": []}, "wanted 2 axes"),
        ("/encode", {"panel": [[[1.0]], [[1.0, 2.0]]]}, "unequal length"),
        ("/encode", {"panel": [[[1.0], [2.0]]]}, "panel has shape"),
        ("/encode", {"panel": "x"}, "valid list"),
    ],
)
def test_a_wrong_request_is_told_why(start, path, body, says):
    answer = start().post(path, json=body)
    assert answer.status_code == 422 and says in answer.text
