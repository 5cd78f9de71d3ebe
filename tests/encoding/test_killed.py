"""A process that is killed (SIGKILL) while it trains or writes a result: the next one ends in the same bits.

What stands on the disk decides when it is killed: it stops, and waits, once a checkpoint or a part is complete.
"""

import multiprocessing
import os
import signal
from functools import partial

import numpy as np
import pytest
import torch

from tsrep import TS2Vec, load
from tsrep.data import lazy, results
from tsrep.encoding import long

X = np.random.default_rng(0).normal(size=(60, 2, 40)).cumsum(-1).astype(np.float32)


def encoder(**more):
    settings = {"n_components": 8, "hidden_channels": 4, "depth": 2, "random_state": 0, "device": "cpu"}
    return TS2Vec(**settings, batch_size=4, max_steps=9, checkpoint_every=3, **more)


@pytest.fixture(scope="module")
def unbroken():
    return encoder().fit(X)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(lazy, "BLOCK_VALUES", 400)  # of 5 instances


def killed(work, owner, name, moment):
    """Does `work` in another process, and kills it in a call of `owner.name` for whose arguments `moment` is true.

    The process is forked from this one: it imports nothing again.
    """
    context = multiprocessing.get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def child():
        torch.set_num_threads(1)
        call = getattr(owner, name)

        def watched(*arguments):
            if moment(*arguments):
                tell.send("now")
                signal.pause()
            return call(*arguments)

        setattr(owner, name, watched)
        work()

    process = context.Process(target=child)
    process.start()
    tell.close()
    assert told.recv() == "now"  # EOFError if it ended before
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_training_that_was_killed_ends_in_the_same_bits(unbroken, tmp_path):
    half_written = tmp_path / ".run.writing"

    def in_the_second_checkpoint(*_):
        return (tmp_path / "run").exists() and half_written.exists()

    killed(lambda: encoder(checkpoint=tmp_path / "run").fit(X), os, "fsync", in_the_second_checkpoint)
    assert half_written.exists() and load(tmp_path / "run").n_steps_ == 3
    resumed = encoder(checkpoint=tmp_path / "run").fit(X)
    assert resumed.n_steps_ == 9
    for name, weight in unbroken.encoder_.state_dict().items():
        assert torch.equal(resumed.encoder_.state_dict()[name], weight)
    assert [each["loss"] for each in resumed.history_] == [each["loss"] for each in unbroken.history_]


@pytest.mark.parametrize(
    ("compute", "X", "parts"),
    [
        (TS2Vec.transform, X, (15, 20)),
        (TS2Vec.encode, X, (15, 20)),
        (partial(TS2Vec.encode, mask="binomial"), X, (15, 20)),
        (TS2Vec.encode, X[:5].reshape(1, 2, -1), (100, 150)),
    ],
)
def test_a_result_that_was_killed_ends_in_the_same_bits(compute, X, parts, unbroken, tmp_path, monkeypatch):
    """`parts` are the instances, or the steps of a long series, after the last whole part and the next one."""
    monkeypatch.setattr(long, "STRETCH_STEPS", 50)
    monkeypatch.setattr(long, "LEAST_STRETCH", 0)

    def written_and_not_counted(progress, identity, rows):
        return rows == parts[1]

    killed(lambda: compute(unbroken, X, out=tmp_path / "z.npy"), results, "_note", written_and_not_counted)
    assert {file.name for file in tmp_path.iterdir()} == {"z.npy.part", "z.npy.progress"}
    started, rows_done = [], results._rows_done

    def noted(*arguments):
        started.append(rows_done(*arguments))
        return started[-1]

    monkeypatch.setattr(results, "_rows_done", noted)
    Z = compute(unbroken, X, out=tmp_path / "z.npy")
    assert started == [parts[0]]  # what was written before is not computed again
    np.testing.assert_array_equal(Z, compute(unbroken, X, out=tmp_path / "whole.npy"))
    assert {file.name for file in tmp_path.iterdir()} == {"z.npy", "whole.npy"}
