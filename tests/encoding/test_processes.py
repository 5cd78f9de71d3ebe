"""Two processes that train together are one process with a batch of twice the size, and continue to the bit.

The processes are forked from this one and find each other as those that `torchrun` starts do, with gloo.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tsrep import MaskedSeriesEncoder, SSGANImputer, TS2Vec, load
from tsrep.base.training import TrainedEstimator
from tsrep.train.checkpoint import holds_model
from tsrep.train.runtime import is_first_process
from tsrep.ts2vec.objective import ContrastiveObjective

SMALL = {
    "n_components": 8,
    "hidden_channels": 4,
    "depth": 1,
    "max_steps": 4,
    "random_state": 0,
    "device": "cpu",
}
MASKED = {**SMALL, "gather": True}


@pytest.fixture(scope="module")
def panel():
    random = np.random.default_rng(0)
    X = random.normal(size=(19, 2, 40)).cumsum(-1)
    X[random.random(X.shape) < 0.05] = np.nan
    X[3, :, 30:] = np.nan  # of unequal length
    return X


MODELS = {
    "gathered": lambda **batch: TS2Vec(**SMALL, **batch, gather=True, validation_fraction=0.2),
    "apart": lambda **batch: TS2Vec(**SMALL, **batch),
    "masked": lambda **batch: MaskedSeriesEncoder(**MASKED, **batch),
    "mae": lambda **batch: MaskedSeriesEncoder("paper", **MASKED, **batch),
    "joint": lambda **batch: MaskedSeriesEncoder(target="teacher", contrast_weight=0.5, **MASKED, **batch),
    "joint apart": lambda **batch: MaskedSeriesEncoder(contrast_weight=0.5, **SMALL, **batch),
    "own masked": lambda **batch: MaskedSeriesEncoder("paper", **SMALL, **batch),
    "imputer": lambda **batch: SSGANImputer("paper", hidden_size=4, max_steps=3, random_state=0, **batch),
}


def trained(X, folder, **batch):
    """(weights, losses) of each model."""
    y = np.arange(len(X)) % 2
    ends, models = {}, {}
    for name, make in MODELS.items():
        complete = name == "own masked"  # then each process hides equally many values
        given = (np.nan_to_num(X[[0, 1, 2, *range(4, 17)]]),) if complete else (X,)
        models[name] = make(**batch).fit(*given, *([y] if name == "imputer" else []))
        network = models[name].generator_ if name == "imputer" else models[name].encoder_
        ends[name] = network.state_dict(), [record["loss"] for record in models[name].history_]
    options = {"max_steps": 3, "random_state": 0, "device": "cpu"}
    tuned = models["gathered"].finetune(X, y, **options, **batch)
    ends["tuned"] = tuned.network_.state_dict(), [record["loss"] for record in tuned.history_]
    broken = interrupted(
        MODELS["apart"](**batch).set_params(checkpoint=folder / "broken", checkpoint_every=2), X
    )
    ends["broken"] = broken.encoder_.state_dict(), [record["loss"] for record in broken.history_]
    return ends


def interrupted(encoder, X):
    """Fits, with an interruption in the fourth step."""
    steps, compute = 0, ContrastiveObjective.__call__

    def counted(self, *arguments):
        nonlocal steps
        steps += 1
        if steps == 4:
            raise KeyboardInterrupt
        return compute(self, *arguments)

    ContrastiveObjective.__call__ = counted
    try:
        with pytest.raises(KeyboardInterrupt):
            encoder.fit(X)
    finally:
        ContrastiveObjective.__call__ = compute
    assert load(encoder.checkpoint).n_steps_ == 2
    return encoder.fit(X)


def in_process(rank, X, folder):
    ends = trained(X, folder, batch_size=4)
    with pytest.raises(ValueError, match="X has 1 series; wanted one for each of 2 processes"):
        TS2Vec(**SMALL).fit(X[:1])
    torch.save((ends, is_first_process()), folder / f"ends{rank}")


@pytest.fixture(scope="module")
def ends(panel, together, tmp_path_factory):
    """(of one process with batch 8, [of each of two processes with batch 4])."""
    folder = tmp_path_factory.mktemp("processes")
    started = together(lambda rank: in_process(rank, panel, folder))
    alone = trained(panel, folder / "alone", batch_size=8)
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0, 0]
    found = [torch.load(folder / f"ends{rank}") for rank in range(2)]
    assert [first for _, first in found] == [True, False]
    return alone, [end for end, _ in found]


@pytest.mark.parametrize("name", ["gathered", "masked", "mae", "joint", "own masked", "tuned"])
def test_two_processes_are_one_with_twice_the_batch(ends, name):
    alone, [first, _] = ends
    (expected, losses), (weights, shared) = alone[name], first[name]
    np.testing.assert_allclose(shared, losses, rtol=1e-5)
    for weight, value in weights.items():
        torch.testing.assert_close(value, expected[weight], rtol=1e-3, atol=1e-4)


def test_without_gathering_negatives_are_the_process_s_own(ends):
    alone, [first, _] = ends
    assert all(few < many for few, many in zip(first["apart"][1], alone["apart"][1], strict=True))


@pytest.mark.parametrize("name", [*MODELS, "tuned", "broken"])
def test_all_processes_end_with_the_same_weights(ends, name):
    _, [first, second] = ends
    assert first[name][1] == second[name][1]
    assert all(value.equal(second[name][0][weight]) for weight, value in first[name][0].items())


def test_a_training_of_two_processes_continues_to_the_bit(ends):
    _, [first, _] = ends
    weights, losses = first["broken"]
    assert losses == first["apart"][1]
    assert all(value.equal(first["apart"][0][weight]) for weight, value in weights.items())


def test_a_run_of_other_processes_is_refused(panel, tmp_path, monkeypatch):
    encoder = TS2Vec(**SMALL, checkpoint=tmp_path / "run").fit(panel)
    processes = encoder._processes()
    processes.count = 2
    monkeypatch.setattr(TrainedEstimator, "_processes", lambda self: processes)
    with pytest.raises(ValueError, match="holds a run of 1 processes, not 2"):
        encoder.fit(panel)
    assert holds_model(tmp_path / "run")


@pytest.mark.parametrize(
    "settings", [3, {"device": 2}, {"devices": 0}, {"devices": 2, "strategy": "fsdp"}, {"num_nodes": 1.5}]
)
@pytest.mark.parametrize("kind", [TS2Vec, MaskedSeriesEncoder, SSGANImputer])
def test_settings_that_fabric_would_not_take_are_refused(panel, kind, settings):
    with pytest.raises(ValueError, match="fabric is .*; wanted None, or a dict with some of"):
        kind(fabric=settings).fit(panel)


SCRIPT = """
import sys
import numpy as np
from tsrep import TS2Vec
from tsrep.train.runtime import is_first_process

X = np.random.default_rng(0).normal(size=(9, 1, 30))
fabric = {"devices": 2} if sys.argv[1] == "started by fit" else None
encoder = TS2Vec(max_steps=2, batch_size=2, n_components=4, random_state=0, device="cpu", fabric=fabric).fit(X)
assert encoder._processes().count == 2
again = TS2Vec(max_steps=2, batch_size=2, n_components=4, device="cpu").fit(X)  # in the same processes
assert again._processes().count == 2 and again.transform(X).shape == (9, 4)
if is_first_process():
    print(encoder._run.processes, encoder.history_[-1]["loss"])
"""


@pytest.mark.slow
def test_processes_are_started_by_fit_by_torchrun_and_by_fabric_run(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ways = {
        "started by fit": [],
        "torchrun": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"],
        "fabric run": ["-m", "lightning.fabric.cli", "--devices", "2", "--accelerator", "cpu"],
    }
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    said = set()
    for way, words in ways.items():
        command = [sys.executable, *words, str(script), way]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        said.add(done.stdout.strip().splitlines()[-1])
    assert len(said) == 1 and said.pop().startswith("2 ")
