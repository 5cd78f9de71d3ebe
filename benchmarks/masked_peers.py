"""Hydra's features from aeon: the part of `tsrep bench masked` that runs in aeon's environment.

    python3 -m venv aeon && aeon/bin/pip install aeon torch
    tsrep bench masked --methods hydra --python aeon/bin/python

Reads `data.npz` (train, test: (n, c, t) without gaps) in the given folder and writes `features.npz` (train, test:
(n, d), and notes as JSON). Hydra (Dempster et al., 2023) has its defaults: 64 groups of 8 kernels. The features are as
the transformer gives them; the sparse scaling of Hydra's own classifier is left out, since the harness standardises.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from aeon.transformations.collection.convolution_based import HydraTransformer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=["hydra"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    with np.load(arguments.folder / "data.npz") as arrays:
        train, test = (arrays[name].astype(np.float32) for name in ("train", "test"))
    short = max(0, 10 - train.shape[2])  # a kernel has nine steps
    train, test = (np.pad(panel, ((0, 0), (0, 0), (0, short))) for panel in (train, test))
    started = time.perf_counter()
    transformer = HydraTransformer(random_state=arguments.seed, n_jobs=1).fit(train)
    fitted = time.perf_counter()
    features = {name: np.asarray(transformer.transform(X)) for name, X in (("train", train), ("test", test))}
    seconds = {"fit": round(fitted - started, 4), "transform": round(time.perf_counter() - fitted, 4)}
    notes = json.dumps({"stage_seconds": seconds})
    np.savez(arguments.folder / "features.npz", notes=notes, **features)


if __name__ == "__main__":
    main()
