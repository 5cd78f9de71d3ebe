"""Two processes that train together and are killed (SIGKILL), one of them or both: the next two end in the same bits.

The process that is to be killed stops and waits at a point of its work, so no timing decides.
"""

import os
import signal
from multiprocessing import Pipe

import numpy as np
import pytest
import torch

from tsrep import TS2Vec, load
from tsrep.ts2vec.objective import ContrastiveObjective

X = np.random.default_rng(0).normal(size=(19, 2, 40)).cumsum(-1).astype(np.float32)
STEP, WRITE = (ContrastiveObjective, "__call__"), (os, "fsync")


def encoder(folder):
    settings = {"n_components": 8, "hidden_channels": 4, "depth": 1, "random_state": 0, "device": "cpu"}
    return TS2Vec(**settings, batch_size=4, gather=True, max_steps=6, checkpoint=folder, checkpoint_every=2)


def stop_in(owner, name, call, tell):
    """Lets this process stop for good in a call of `owner.name`, counted from 1, and tell it."""
    calls, function = 0, getattr(owner, name)

    def watched(*arguments, **more):
        nonlocal calls
        calls += 1
        if calls == call:
            tell.send("stopped")
            signal.pause()
        return function(*arguments, **more)

    setattr(owner, name, watched)


def trained(together, folder):
    """[(weights, losses) of each process], of a training to its end."""

    def work(rank):
        fitted = encoder(folder / "run").fit(X)
        torch.save((fitted.encoder_.state_dict(), fitted.history_), folder / f"end{rank}")

    processes = together(work)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    ends = [torch.load(folder / f"end{rank}") for rank in range(2)]
    return [(weights, [record["loss"] for record in history]) for weights, history in ends]


@pytest.fixture(scope="module")
def unbroken(together, tmp_path_factory):
    return trained(together, tmp_path_factory.mktemp("unbroken"))


@pytest.mark.parametrize(
    ("stops", "all_killed", "steps"),
    [
        ({1: (*STEP, 4)}, False, 2),  # the first waits in vain for the second's gradient of the fourth step
        ({0: (*STEP, 6), 1: (*STEP, 6)}, True, 4),
        ({0: (*WRITE, 2)}, True, 0),  # while the first writes the first checkpoint
    ],
    ids=["one", "both", "both, in a checkpoint"],
)
def test_processes_that_were_killed_end_in_the_same_bits(
    together, unbroken, tmp_path, stops, all_killed, steps
):
    pipes = {rank: Pipe(duplex=False) for rank in stops}

    def work(rank):
        if rank in stops:
            stop_in(*stops[rank], pipes[rank][1])
        encoder(tmp_path / "run").fit(X)

    processes = together(work)
    for told, tell in pipes.values():
        tell.close()
        assert told.recv() == "stopped"  # EOFError if it ended before
    for rank, process in enumerate(processes):
        if all_killed or rank in stops:
            process.kill()
    for process in processes:
        process.join()
    killed = [process.exitcode == -signal.SIGKILL for process in processes]
    assert killed == [all_killed, True]
    assert processes[0].exitcode != 0  # of the lost connection, if it was not killed
    assert (load(tmp_path / "run").n_steps_ if (tmp_path / "run").exists() else 0) == steps
    for (weights, losses), (expected, unbroken_losses) in zip(
        trained(together, tmp_path), unbroken, strict=True
    ):
        assert losses == unbroken_losses
        assert all(weight.equal(expected[name]) for name, weight in weights.items())
