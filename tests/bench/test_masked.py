"""The studies of masked models: measures with known answers, cells, a run with stubs, pages of hand-made lines."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import CliRunner

import tsrep
from tsrep.bench.cells import Cell
from tsrep.bench.commands import app
from tsrep.bench.environment import environment
from tsrep.bench.families import TABLES
from tsrep.bench.gaps import fill_gaps
from tsrep.bench.masked import evaluate as evaluating
from tsrep.bench.masked import figures, sections, studies
from tsrep.bench.masked.averages import (
    common_sets,
    difference,
    means_over_sets,
    rank_correlations,
    seed_means,
)
from tsrep.bench.masked.filling import filling_errors, hidden_runs, positional_mean
from tsrep.bench.masked.measures import (
    adjusted_rand,
    few_label_accuracy,
    measures,
    per_class,
    precision_at,
    probe_accuracy,
    same_distances,
    share_of_each_class,
    standardised,
)
from tsrep.bench.masked.methods import features_by_layer, raw_values
from tsrep.bench.masked.peers import features_of_peer
from tsrep.bench.masked.task import (
    CHOOSING,
    SIX,
    SIXTEEN,
    UCR24,
    UEA4,
    Task,
    choosing,
    half,
    load,
    reporting,
    some,
)

needs_archive = pytest.mark.skipif(
    not (Path(os.environ.get("TSREP_DATA", "/nowhere")) / "UCR" / "Wine").is_dir(),
    reason="TSREP_DATA does not name a folder with UCR/Wine",
)


def features(n=30, d=4, classes=3, seed=0, apart=0.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, d)) + apart * y[:, None], y


# Measures


def test_features_are_standardised_by_the_training_part():
    Z_train, _ = features(50)
    Z_test, _ = features(20, seed=1, apart=1.0)
    Z_train[:, 2], Z_test[:, 2] = 5.0, 7.0  # constant in training
    train, test = standardised(Z_train.astype(np.float32), Z_test.astype(np.float32))
    varying = [0, 1, 3]
    assert_allclose(train[:, varying].mean(axis=0), 0, atol=1e-6)
    assert_allclose(train[:, varying].std(axis=0), 1, atol=1e-6)
    assert (train[:, 2] == 0).all() and (test[:, 2] == 0).all()
    expected = (Z_test[:, varying] - Z_train[:, varying].mean(axis=0)) / Z_train[:, varying].std(axis=0)
    assert_allclose(test[:, varying], expected, atol=1e-5)


def slow_precision(k, Z, y):
    shares = []
    for i in range(len(Z)):
        distances = [(np.linalg.norm(Z[i] - Z[j]), j) for j in range(len(Z)) if j != i]
        nearest = [j for _, j in sorted(distances)[:k]]
        shares.append(np.mean([y[j] == y[i] for j in nearest]))
    return np.mean(shares)


@pytest.mark.parametrize(("n", "k"), [(40, 10), (40, 1), (6, 10)])
def test_precision_is_that_of_a_slow_search(n, k):
    Z, y = features(n, apart=0.7)
    assert precision_at(k, Z, y) == pytest.approx(slow_precision(k, Z, y))


def test_precision_of_two_far_groups_counts_the_others_where_a_class_is_small():
    Z = np.concatenate([np.zeros((4, 1)), np.full((20, 1), 9.0)])
    y = np.repeat([0, 1], [4, 20])
    assert precision_at(3, Z, y) == 1.0
    assert precision_at(10, Z, y) == pytest.approx((4 * 3 / 10 + 20) / 24)


def test_clusters_that_are_the_classes_have_a_rand_index_of_one():
    Z, y = features(60, apart=50.0)
    assert adjusted_rand(Z, y) == 1.0
    assert abs(adjusted_rand(*features(300, apart=0.0))) < 0.05


def test_rows_in_fewer_numbers_keep_their_inner_products_and_all_that_depends_on_them():
    Z, y = features(20, d=300, apart=0.1)
    small = same_distances(Z)
    assert small.shape == (20, 20) and same_distances(small) is small
    assert_allclose(small @ small.T, Z @ Z.T, atol=1e-9)
    draw = per_class(2)
    wide = few_label_accuracy(Z[:15], y[:15], Z[15:], y[15:], draw, 3)
    assert few_label_accuracy(small[:15], y[:15], small[15:], y[15:], draw, 3) == wide


def test_labelled_series_are_drawn_from_each_class():
    y = np.repeat([0, 1, 2], [2, 50, 100])
    rng = np.random.default_rng
    drawn = per_class(5)(y, rng(0))
    assert np.bincount(y[drawn]).tolist() == [2, 5, 5] and len(set(drawn)) == len(drawn)
    assert np.bincount(y[share_of_each_class(0.1)(y, rng(0))]).tolist() == [1, 5, 10]
    assert (drawn == per_class(5)(y, rng(0))).all() and (drawn != per_class(5)(y, rng(1))).any()


def test_few_label_accuracy_is_the_mean_of_separate_ridge_classifiers():
    from sklearn.linear_model import RidgeClassifier

    Z, y = features(40, apart=0.5)
    scores = []
    for number in range(3):
        labelled = per_class(2)(y[:30], np.random.default_rng(number))
        probe = RidgeClassifier(alpha=300.0).fit(Z[:30][labelled], y[:30][labelled])
        scores.append(np.mean(probe.predict(Z[30:]) == y[30:]))
    assert few_label_accuracy(Z[:30], y[:30], Z[30:], y[30:], per_class(2), 3) == pytest.approx(
        np.mean(scores)
    )


def test_all_measures_of_separable_classes_are_one_and_a_class_that_training_lacks_is_a_miss():
    Z, y = features(90, classes=2, apart=60.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measures(Z[:60], y[:60], Z[60:], y[60:])
    assert found.keys() == {
        *("probe", "precision_at_10", "adjusted_rand", "labels_1", "labels_5"),
        *("percent_1", "percent_5", "percent_10"),
    }
    assert set(found.values()) == {1.0}
    unknown = np.where(np.arange(30) < 15, -1, y[60:])
    assert probe_accuracy(Z[:60], y[:60], Z[60:], unknown) == 0.5


@needs_archive
def test_raw_values_score_what_they_scored_before():
    """Means over 24 sets that were measured before, by other code: .618, .257, .454, .571."""
    lines = pd.DataFrame([evaluating.evaluate(Cell("masked", name, "raw")) for name in UCR24])
    names = ("precision_at_10", "adjusted_rand", "labels_1", "labels_5")
    assert_allclose(
        lines[[f"plain_{name}" for name in names]].mean(), [0.618, 0.257, 0.454, 0.571], atol=0.012
    )
    assert (lines["rich_probe"] == lines["plain_probe"]).all()
    json.dumps(lines.to_dict("records"), allow_nan=False)


# Filling


def test_half_of_each_series_is_hidden_in_runs_and_something_stays():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2, 64))
    X[1, :, 32:] = np.nan  # a shorter series
    X[2, 0] = np.nan  # a channel that is not observed
    X[3, :, 1:] = np.nan  # a single step
    X[4] = np.nan
    hidden = hidden_runs(X)
    assert not (hidden & np.isnan(X)).any()
    assert (hidden[0, 0] == hidden[0, 1]).all()
    assert 32 <= hidden[0, 0].sum() < 36 and 16 <= hidden[1, 0].sum() < 18
    assert hidden[2, 1].sum() >= 32 and not hidden[3].any() and not hidden[4].any()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden[0, 0], [0]])))
    assert (np.diff(edges)[::2] >= 4).all()  # runs of a sixteenth or longer
    assert (hidden == hidden_runs(X)).all() and (hidden != hidden_runs(X, seed=1)).any()


def test_errors_on_hidden_values():
    X = np.cumsum(np.random.default_rng(0).normal(size=(8, 1, 32)), axis=2)
    hidden = hidden_runs(X)

    def off_by_two(panel, where):
        return panel + 2.0 * where

    errors = filling_errors(X[:4], X, off_by_two)
    assert errors["filling"] == pytest.approx(2.0)
    filled = fill_gaps(np.where(hidden, np.nan, X))
    assert errors["filling_linear"] == pytest.approx(np.abs(filled - X)[hidden].mean())
    assert errors["filling_mean"] == pytest.approx(np.abs(X[:4].mean(axis=0) - X)[hidden].mean())
    assert filling_errors(X[:4], X, None)["filling"] is None

    def cannot(panel, where):
        raise ValueError("values is not among the targets")

    refused = filling_errors(X[:4], X, cannot)
    assert refused["filling"] is None and "not among" in refused["filling_refused"]


def test_the_positional_mean_leaves_out_what_is_missing():
    X = np.array([[[1.0, np.nan, np.nan]], [[3.0, 5.0, np.nan]]])
    assert positional_mean(X).tolist() == [[2.0, 5.0, 0.0]]


# Sets and studies


def test_sets_stand_in_two_halves():
    assert len(UCR24) == 24 and len(SIXTEEN) == 16 and len(SIX) == 6 and len(UEA4) == 4
    assert choosing(UCR24)[:2] == ("Adiac", "BirdChicken") and reporting(UCR24)[0] == "ArrowHead"
    assert set(SIX) <= set(choosing(UCR24))
    assert sum(name in CHOOSING for name in SIXTEEN) == 8 and sum(name in CHOOSING for name in UEA4) == 2
    assert half("ECG200") == "choosing" and half("ArrowHead") == half("GunPoint") == "reporting"
    assert some(3, 5).tolist() == [0, 1, 2]
    few = some(100, 5)
    assert len(few) == 5 and (np.diff(few) > 0).all() and (few == some(100, 5)).all()


@needs_archive
def test_large_parts_are_cut():
    task = load("MoteStrain")
    assert len(task.X_test) == len(task.y_test) == 600 and len(task.X_train) == 20
    assert set(task.y_train) == {0, 1} == set(task.y_test)


def test_a_configuration_has_one_meaning():
    assert set(studies.REFERENCES) <= set(studies.CONFIGURATIONS)
    assert {study.name for study in studies.studies_with("mae")} == {"ratio", "decoder", "loss"}
    assert all(each.kind in studies.KINDS for each in studies.CONFIGURATIONS.values())
    other = studies.Study(
        "other", "?", (studies.Configuration("mae", "another MAE", settings={"depth": 1}),), SIX
    )
    with pytest.raises(ValueError, match="'mae' has two meanings"):
        studies.collect([*studies.STUDIES.values(), other])


def test_cells_of_the_studies():
    table = TABLES["masked"]
    ratio = table.cells(None, study="ratio")
    assert len(ratio) == 11 * 6 * 2 and [cell.seed for cell in ratio] == sorted(cell.seed for cell in ratio)
    both = table.cells(None, study="targets,encoders")
    assert len(both) == len(set(both)) == 18 * 20 * 3 + 11 * 28 * 3
    assert {cell.dataset for cell in both if cell.method == "kernels"} == {*UCR24, *UEA4}
    few = table.cells(None, names=["Wine"], study="encoders", seeds="4,", methods="mae-128,raw")
    assert [cell.id for cell in few] == ["masked/Wine/raw/seed4", "masked/Wine/mae-128/seed4"]
    every = table.cells(None)
    assert set(every) >= {*ratio, *both} and len(every) == len(set(every))
    assert {cell.method for cell in every} == set(studies.CONFIGURATIONS)


def test_wrong_names_are_answered_with_the_right_ones():
    def answer(*arguments):
        done = CliRunner().invoke(app, ["masked", *arguments])
        assert done.exit_code == 2
        return " ".join(done.output.split())

    assert "decoder" in answer("--study", "colour")
    assert "mae-ratio-0.5" in answer("--study", "ratio", "--methods", "raw")


# A run


class StubEncoder:
    """Features are the first values of a series, by layer; knows what an encoder is asked for."""

    def __init__(self, random_state=0, **settings):
        self.settings, self.random_state = settings, random_state
        self.layers, self.pool = None, None

    def get_params(self, deep=True):
        return {"layers": self.layers, "pool": self.pool}

    def set_params(self, **given):
        for name, value in given.items():
            setattr(self, name, value)
        return self

    def fit(self, X):
        self.n_steps_, self.history_, self.average_distance_, self.patch_length_ = 2, [{"loss": 1.0}], 3.5, 4
        return self

    def transform(self, X):
        layer = (self.layers or [-1])[0]
        if layer < -3:
            raise ValueError("layers is [-4]; wanted indices of the encoder's 3 layers")
        return fill_gaps(X)[:, 0, : 6 if self.pool == "max" else 12] * -layer

    def reconstruct(self, X, hidden):
        if self.settings.get("target") != "values":
            raise ValueError("values is not among the targets")
        return np.where(hidden, 0.0, X)

    def finetune(self, X, y, max_steps, random_state):
        return self

    def score(self, X, y):
        return 0.75


@pytest.fixture
def stubs(monkeypatch):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 1, 32)) + y[:, None, None]
    task = Task(X[:20], y[:20], X[20:], y[20:])
    monkeypatch.setattr(tsrep, "MaskedSeriesEncoder", StubEncoder, raising=False)
    monkeypatch.setattr(tsrep, "TS2Vec", StubEncoder)
    monkeypatch.setattr(evaluating, "load", lambda name, root: task)
    monkeypatch.setattr(evaluating, "expected_cost", lambda cell, root: 1.0)
    return task


def test_layers_are_read_until_there_is_none_and_the_read_out_is_put_back(stubs):
    encoder = StubEncoder().fit(stubs.X_train).set_params(pool="rich")
    found = features_by_layer(encoder, stubs)
    assert len(found) == 3 and encoder.get_params() == {"layers": None, "pool": "rich"}
    assert_allclose(found[2][0], 3 * found[0][0])


def test_a_cell_has_what_its_studies_ask_for(stubs):
    line = evaluating.evaluate(Cell("masked", "Toy", "mae-ratio-0.5"))
    assert line["finetuned"] == 0.75 and len(line["probe_by_layer"]) == 3
    assert line["average_distance"] == 3.5 and line["steps"] == 2
    assert line["filling"] > 0 and line["filling_linear"] > 0
    assert line["dimensions"] == {"plain": 6, "rich": 12}
    assert line["stage_seconds"].keys() == {"fit", "transform", "transform_rich", "finetune"}
    other = evaluating.evaluate(Cell("masked", "Toy", "target-spectrum"))
    assert other["filling"] is None and not {"finetuned", "probe_by_layer"} & other.keys()
    json.dumps([line, other], allow_nan=False)


def test_raw_values_have_no_gaps_and_stand_under_both_read_outs(stubs):
    gaps = Task(
        np.where(np.arange(32) > 20, np.nan, stubs.X_train), stubs.y_train, stubs.X_test, stubs.y_test
    )
    train, test = raw_values(studies.CONFIGURATIONS["raw"], gaps, 0, None).features["plain"]
    assert train.shape == (20, 32) and test.shape == (20, 32) and not np.isnan(train).any()
    line = evaluating.evaluate(Cell("masked", "Toy", "raw"))
    assert line["rich_probe"] == line["plain_probe"] and "filling" not in line


def test_the_command_runs_each_cell_once_and_writes_the_pages(stubs, tmp_path):
    words = ["masked", "Toy", "--study", "ratio,loss", "--seeds", "2", "--results", str(tmp_path)]
    words += ["--methods", "mae-ratio-0.3,mae-ratio-0.5,mae-ratio-0.3-0.8,mae,mae-loss-all"]
    first, second = (CliRunner().invoke(app, words) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output
    assert "10 cells, 0 done before, 10 to run" in " ".join(first.output.split())
    assert "10 cells, 10 done before, 0 to run" in " ".join(second.output.split())
    page = (tmp_path / "table.md").read_text()
    assert "## 1. How much should be hidden? (1 set)" in page and "## 4." in page and "## 8." not in page
    assert (tmp_path / "ratio.png").is_file() and not (tmp_path / "targets.png").exists()
    assert len(pd.read_csv(tmp_path / "table.csv")) == 10


PEER = """
import sys, json, numpy as np
folder = sys.argv[2]
data = np.load(folder + "/data.npz")
np.savez(folder + "/features.npz", train=data["train"].mean(2), test=data["test"].mean(2),
         notes=json.dumps({"stage_seconds": {"fit": 1.0}, "seed": sys.argv[4]}))
"""


def test_features_of_another_interpreter(tmp_path):
    import sys

    script = tmp_path / "peer.py"
    script.write_text(PEER)
    X = np.random.default_rng(0).normal(size=(3, 2, 5))
    train, test, notes = features_of_peer("hydra", X, X[:2], 7, Path(sys.executable), script)
    assert_allclose(train, X.mean(2))
    assert len(test) == 2 and notes == {"stage_seconds": {"fit": 1.0}, "seed": "7"}
    with pytest.raises(RuntimeError, match="name it with --python"):
        features_of_peer("hydra", X, X, 0, None)
    script.write_text("raise SystemExit('no aeon here')")
    with pytest.raises(RuntimeError, match="no aeon here"):
        features_of_peer("hydra", X, X, 0, Path(sys.executable), script)
    with pytest.raises(RuntimeError, match="is not there"):
        features_of_peer("hydra", X, X, 0, Path(sys.executable), tmp_path / "gone.py")


# Pages


def frame(*rows):
    return pd.DataFrame(rows, columns=["method", "dataset", "seed", "score"])


SCORES = frame(
    ("a", "P", 0, 0.5), ("a", "P", 1, 0.7), ("a", "Q", 0, 0.9), ("a", "Q", 1, 0.9),
    ("b", "P", 0, 0.5), ("b", "Q", 0, 1.0), ("c", "P", 0, 0.1),
)  # fmt: skip


def test_means_spreads_and_differences():
    table = seed_means(SCORES, "score")
    assert table.loc["P"].tolist() == pytest.approx([0.6, 0.5, 0.1])
    mean, other, absent = means_over_sets(SCORES, ["a", "b", "z"], "score", ["P", "Q"])
    assert mean.mean == pytest.approx(0.75) and mean.spread == pytest.approx(0.1 / np.sqrt(2))
    assert str(mean) == "0.750 ± 0.071" and str(other) == "0.750" and str(absent) == ""
    assert list(map(str, means_over_sets(SCORES, ["b"], "no such", ["P"]))) == [""]
    minus = difference(table, "b", "a", ["P", "Q"])  # -.1 and +.1
    assert minus.mean == pytest.approx(0) and minus.error == pytest.approx(0.1) and minus[2:] == (1, 2)
    assert str(difference(table, "c", "a", ["P", "Q"])) == "-0.500, 0 of 1"
    assert str(difference(table, "a", "a", ["P"])) == ""
    assert common_sets(SCORES, ["a", "b"], "score") == ["P", "Q"]
    assert common_sets(SCORES, ["a", "b", "c"], "score") == ["P"]


def test_rank_correlations_are_within_sets():
    errors = pd.DataFrame([[1, 2, 3, 4], [10, 20, 30, 40], [1, 2, np.nan, np.nan]], index=list("PQR"))
    right = pd.DataFrame([[9, 7, 5, 3], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4]], index=list("PQR"))
    found = rank_correlations(errors, right)
    assert found.to_dict() == pytest.approx({"P": -1.0, "Q": 1.0, "pooled": 0.0})
    assert rank_correlations(errors.loc[["P"]], -(errors.loc[["P"]] ** 3))["pooled"] == pytest.approx(-1)
    assert np.isnan(rank_correlations(errors.loc[["P"]], 0 * errors.loc[["P"]])["P"])


def lines_of(study_names, datasets=("ECG200", "ArrowHead", "Lightning7"), seeds=(0, 1)):
    rng = np.random.default_rng(0)
    lines = []
    for name in study_names:
        for configuration in studies.STUDIES[name].configurations:
            for dataset in datasets:
                for seed in seeds:
                    cell = Cell("masked", dataset, configuration.name, seed)
                    quality = rng.uniform(0.4, 0.8)
                    line = {"cell": cell.id, "status": "ok", "dataset": dataset, "method": configuration.name}
                    line |= {"seed": seed, "half": half(dataset), "threads": 1, "seconds": 1.0}
                    for measure in {**sections.MEASURES, **sections.SHARES}:
                        line |= {f"plain_{measure}": quality, f"rich_{measure}": quality + 0.1}
                    if configuration.kind == "masked":
                        fills = configuration.settings.get("target") == "values"
                        line |= {"filling": 1 - quality if fills else None, "filling_linear": 0.5}
                        line |= {"average_distance": 1 + 9 * quality, "steps": 600}
                        line["probe_by_layer"] = [quality, 1 - quality]
                    if any(study.finetune for study in studies.studies_with(configuration.name)):
                        line["finetuned"] = quality + 0.05
                    lines.append(line | environment())
    return list({line["cell"]: line for line in lines}.values())


def test_every_study_has_its_sections_and_figures():
    summary = TABLES["masked"].summarise(lines_of(studies.STUDIES))
    headings = [heading for heading, _ in summary.sections]
    assert sorted({heading[0] for heading in headings}) == list("12345789")
    assert set(summary.figures) == {"ratio.png", "distance.png", "targets.png", "filling.png", "labels.png"}
    by_heading = dict(summary.sections)
    (ratio,) = (table for heading, table in by_heading.items() if heading.startswith("1."))
    assert (
        "fine-tuned" in ratio and len(ratio) == 11 and sum("**" in text for text in ratio["fine-tuned"]) >= 1
    )
    (filling,) = (table for heading, table in by_heading.items() if heading.startswith("7."))
    assert_allclose(filling["last layer, maximum"], -1)
    assert "layer -2, maximum" in filling
    minus = by_heading["8. Minus TS2Vec: maximum over time, 1 set for reporting"]
    assert "TS2Vec" not in minus.index and len(minus) == 10
    targets = by_heading["5. What should be predicted? rich read-out, 2 sets for choosing"]
    assert list(targets.index[-2:]) == [studies.CONFIGURATIONS[name].label for name in studies.REFERENCES]
    assert list(targets.index[:2]) == [base.label for base in studies.SMALL_BASES]
    assert any("-1.00 with the maximum over time" in note for note in summary.notes)
    assert len(summary.csv) == len(lines_of(studies.STUDIES)) and "probe_by_layer" in summary.csv


def test_a_study_that_was_not_run_has_no_section():
    summary = TABLES["masked"].summarise(lines_of(["loss"]))
    assert {heading[0] for heading, table in summary.sections} == {"4", "7"}
    assert set(summary.figures) == {"filling.png"}
    gone = [line | {"method": "gone", "cell": "masked/gone"} for line in lines_of(["loss"])[:1]]
    assert TABLES["masked"].summarise(gone).sections == []


def test_the_ratio_curve_has_one_line_per_quantity_and_the_drawn_ratio_as_a_flat_one():
    lines = sections.with_ratio(pd.DataFrame(lines_of(["ratio"])))
    (ax,) = figures.plot_ratio(lines).axes
    assert len(ax.containers) == 3 and len(ax.collections) == 6  # three curves with bars, three flat lines
    assert ax.containers[0].lines[0].get_xdata().tolist() == sorted([*studies.RATIOS, 0.75])


def test_differences_are_between_the_same_seeds():
    lines = pd.DataFrame(lines_of(["decoder", "loss"]))
    lines = lines[(lines["seed"] == 0) | (lines["method"] == "mae")]  # the others have one seed
    later = lines["seed"] == 1
    changed = lines.assign(rich_probe=lines["rich_probe"].where(~later, 0.0))
    tables = [
        dict(sections.effects(sections.with_ratio(each), studies.DECODER, 3)) for each in (lines, changed)
    ]
    (before,), (after,) = (table.values() for table in tables)
    assert list(before["rich, minus MAE"]) == list(after["rich, minus MAE"])
    assert list(before["probe, rich"]) != list(after["probe, rich"])
