"""Processes that train together, forked from the one of the tests, so that they import nothing again."""

import multiprocessing
import os
import socket

import numpy as np
import pytest
import torch

from tsrep import TS2Vec

PROCESSES = 2

# The first backward pass starts autograd's threads for the devices there are; with threads no process can be forked.
# torch.export adds a device, so it must not come first.
torch.zeros(1, requires_grad=True).backward()


@pytest.fixture(scope="session")
def together():
    """together(work): two processes, started, which find each other as those of `torchrun` do; each does work(rank)."""
    fork = multiprocessing.get_context("fork")
    TS2Vec(max_steps=1, n_components=2, depth=0, device="cpu").fit(
        np.zeros((2, 1, 8))
    )  # imports what training needs

    def start(work):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def in_process(rank):
            torch.set_num_threads(1)
            os.environ.update(
                TORCHELASTIC_RUN_ID="test",
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=str(port),
                WORLD_SIZE=str(PROCESSES),
                LOCAL_WORLD_SIZE=str(PROCESSES),
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                GROUP_RANK="0",
            )
            work(rank)

        processes = [fork.Process(target=in_process, args=(rank,)) for rank in range(PROCESSES)]
        for process in processes:
            process.start()
        return processes

    return start
