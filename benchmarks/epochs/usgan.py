"""PyPOTS' USGAN: one epoch per line on standard input. It runs in an environment of its own, without tsrep."""

import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from pypots.imputation import USGAN  # type: ignore[import-not-found]
from pypots.imputation.brits.data import DatasetForBRITS  # type: ignore[import-not-found]
from torch.utils.data import DataLoader

SERIES, STEPS, BATCH, HIDDEN, MISSING = 128, 48, 32, 64, 0.2  # as in ours.py


def main(channels: int, device: str) -> None:
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    x = random.standard_normal((SERIES, STEPS, channels)).astype(np.float32)
    x[random.random(x.shape) < MISSING] = np.nan
    data = DatasetForBRITS({"X": x}, return_X_ori=False, return_y=False, file_type="hdf5")
    batches = DataLoader(data, batch_size=BATCH, shuffle=True)
    model = USGAN(
        STEPS,
        channels,
        HIDDEN,
        epochs=1,
        batch_size=BATCH,
        device=device,
        verbose=False,
        model_saving_strategy=None,
    )
    print(f"> PyPOTS {version('pypots')}, torch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        wall, used = time.perf_counter(), time.process_time()
        model._train_model(batches)
        print(f"> {time.perf_counter() - wall} {time.process_time() - used}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
