"""SSGAN's game with the recurrent generator and no classifier: one epoch per line on standard input."""

import sys
import time
from importlib.metadata import version

import numpy as np
import torch

from tsrep.ssgan.brits import RecurrentGenerator
from tsrep.ssgan.discriminator import Discriminator
from tsrep.ssgan.step import Batch, SSGANStep
from tsrep.train.batches import TensorBatches
from tsrep.train.loop import Clock, fit
from tsrep.train.runtime import launch

SERIES, STEPS, BATCH, HIDDEN, MISSING = 128, 48, 32, 64, 0.2  # as in usgan.py


def main(channels: int, device: str, reminder: str) -> None:
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    x = random.standard_normal((SERIES, STEPS, channels)).astype(np.float32)
    observed = random.random(x.shape) >= MISSING
    data = Batch(
        torch.from_numpy(x * observed),
        torch.from_numpy(observed),
        torch.arange(float(STEPS)).expand(SERIES, STEPS),
        torch.full((SERIES,), -1),
    )
    step = SSGANStep(
        RecurrentGenerator(channels, HIDDEN),
        Discriminator(channels, HIDDEN, decaying=reminder == "temporal"),
        None,
        lr=1e-3,
        randomness=torch.Generator().manual_seed(0),
        fabric=launch(device),
        discriminator_steps=1,
        reminder_rate=0.7,
    )
    batches, clock = TensorBatches(data, BATCH, seed=0), Clock()
    print(f"> tsrep {version('tsrep')}, torch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        wall, used = time.perf_counter(), time.process_time()
        clock = fit(step, batches, max_epochs=clock.epoch + 1, resume=clock)
        print(f"> {time.perf_counter() - wall} {time.process_time() - used}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
