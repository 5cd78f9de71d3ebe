"""`tsrep classify`: a data set by name to accuracies and a saved encoder."""

import numpy as np

rng = np.random.default_rng(0)


def test_classify_scores_beside_the_untrained_encoder_and_saves(shell, tmp_path):
    for split in ("TRAIN", "TEST"):
        rows = np.column_stack([np.arange(8) % 2, rng.normal(size=(8, 16))])
        np.savetxt(tmp_path / f"Tiny_{split}.tsv", rows, delimiter="\t")
    options = ("--root", tmp_path, "--max-steps", 1, "--probe", "knn", "--save", tmp_path / "m")
    shown = shell("classify", "Tiny", *options)
    assert "8 training and 8 test series, 1 channel(s), 16 steps" in shown
    assert "TS2Vec │ 1 │" in shown and "untrained │ 0 │" in shown
    assert (tmp_path / "m" / "model.safetensors").is_file()
    assert "max_steps 1" in shell("info", tmp_path / "m")
