"""SAITS, BRITS and USGAN of PyPOTS: the part of `tsrep bench imputation` that runs in PyPOTS' environment.

    python3 -m venv peers && peers/bin/pip install pypots
    tsrep bench imputation ETTh1 --methods saits,brits,usgan --python peers/bin/python

Reads `data.npz` (train, validation, validation_truth, test: (n, c, t), NaN where missing) in the given folder and
writes `imputed.npz` (test, and notes as JSON). All have 64 hidden units; SAITS has two layers of four heads, 64 wide,
feed-forward 128. Adam, learning rate 1e-3, batches of 32, at most 100 epochs, early stopping after ten epochs without a
lower validation error, with the weights of the best epoch. Instances without values are left out and filled with 0.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from pypots.imputation import BRITS, SAITS, USGAN
from pypots.utils.random import set_random_seed

SIZES = {
    "saits": (SAITS, {"n_layers": 2, "d_model": 64, "n_heads": 4, "d_k": 16, "d_v": 16, "d_ffn": 128}),
    "brits": (BRITS, {"rnn_hidden_size": 64}),
    "usgan": (USGAN, {"rnn_hidden_size": 64}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-epochs", type=int, default=100)
    arguments = parser.parse_args()

    with np.load(arguments.folder / "data.npz") as arrays:
        data = {name: arrays[name].transpose(0, 2, 1).astype(np.float32) for name in arrays}  # (n, t, c)
    has_values = {name: ~np.isnan(panel).all(axis=(1, 2)) for name, panel in data.items()}
    set_random_seed(arguments.seed)
    network, size = SIZES[arguments.method]
    model = network(
        n_steps=data["train"].shape[1],
        n_features=data["train"].shape[2],
        batch_size=32,
        epochs=arguments.max_epochs,
        patience=min(10, arguments.max_epochs),
        device="cpu",
        verbose=False,
        **size,
    )
    started = time.perf_counter()
    model.fit(
        {"X": data["train"][has_values["train"]]},
        {
            "X": data["validation"][has_values["validation"]],
            "X_ori": data["validation_truth"][has_values["validation"]],
        },
    )
    fitted = time.perf_counter()
    filled = np.nan_to_num(data["test"])
    filled[has_values["test"]] = model.predict({"X": data["test"][has_values["test"]]})["imputation"]
    notes = {
        "best_epoch": int(model.best_epoch),
        "parameters": sum(parameter.numel() for parameter in model.model.parameters()),
        "stage_seconds": {
            "fit": round(fitted - started, 2),
            "impute": round(time.perf_counter() - fitted, 2),
        },
    }
    np.savez(arguments.folder / "imputed.npz", test=filled.transpose(0, 2, 1), notes=json.dumps(notes))


if __name__ == "__main__":
    main()
