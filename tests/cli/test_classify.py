"""`tsrep classify`: labelled series of every kind of source to accuracies, predictions and a saved classifier."""

import json
import shlex
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep import load
from tsrep.cli import app
from tsrep.cli.labels import as_classes
from tsrep.cli.probes import confusion, cross_validated, fit_probe, scores

rng = np.random.default_rng(0)
STEPS = 24
NAMES = [f"s{number:02}" for number in range(12)]
LABELS = ["slow", "fast"] * 6
WAVES = np.sin(np.outer([1.0, 3.0] * 6, np.linspace(0, 6, STEPS))) + 0.1 * rng.normal(size=(12, STEPS))


@pytest.fixture
def classify(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return partial(shell, "classify")


@pytest.fixture
def quick(classify, model):
    """The command with the saved encoder, which trains nothing, and 1-NN on top."""
    return partial(classify, "--model", model, "--probe", "knn")


def rows(labels=LABELS, name="label", values=WAVES):
    frame = pd.DataFrame(values, columns=[f"t{step}" for step in range(STEPS)])
    frame.insert(0, "id", NAMES)
    return frame if labels is None else frame.assign(**{name: labels})


def long(labels=LABELS, name="label"):
    days = pd.date_range("2026-01-01", periods=STEPS)
    parts = [
        pd.DataFrame({"unique_id": each, "ds": days, "y": wave, name: label})
        for each, wave, label in zip(NAMES, WAVES, labels, strict=True)
    ]
    return pd.concat(parts)


def write_folder(folder: Path, inside: list[str]) -> None:
    for name, wave, place in zip(NAMES, WAVES, inside, strict=True):
        (folder / place).mkdir(parents=True, exist_ok=True)
        np.save(folder / place / f"{name}.npy", wave)


def archive(labels) -> str:
    return "\n".join(
        "\t".join([str(label), *map(str, wave)]) for label, wave in zip(labels, WAVES, strict=True)
    )


def sources(folder: Path) -> dict[str, tuple[str, ...]]:
    """The same series and labels in each kind of source: what is given to the command."""
    rows().to_csv(folder / "rows.csv", index=False)
    rows(name="kind").to_parquet(folder / "rows.parquet")
    long().to_csv(folder / "long.csv", index=False)
    (folder / "archive.tsv").write_text(archive([1, 2] * 6))
    (folder / "headless.csv").write_text(archive([1, 2] * 6).replace("\t", ","))
    header = "@univariate true\n@classLabel true slow fast\n@data\n"
    lines = [",".join(map(str, wave)) + f":{label}" for wave, label in zip(WAVES, LABELS, strict=True)]
    (folder / "x.ts").write_text(header + "\n".join(lines))
    np.savez(folder / "x.npz", X=WAVES, y=np.array(LABELS))
    np.save(folder / "x.npy", WAVES)
    pd.DataFrame({"number": range(12), "label": LABELS}).to_csv(folder / "numbers.csv", index=False)
    write_folder(folder / "classes", LABELS)
    write_folder(folder / "beside", ["."] * 12)
    beside = pd.DataFrame({"file": [f"{name}.npy" for name in NAMES], "kind": LABELS})
    beside.iloc[::-1].to_csv(folder / "beside" / "labels.csv", index=False)
    write_folder(folder / "apart", ["."] * 12)
    beside.assign(note="fine").to_csv(folder / "kinds.csv", index=False)
    return {
        "rows.csv": (),
        "rows.parquet": ("--label", "kind"),
        "long.csv": (),
        "archive.tsv": (),
        "headless.csv": (),
        "x.ts": (),
        "x.npz": (),
        "x.npy": ("--labels", "numbers.csv"),
        "classes": (),
        "beside": (),
        "apart": ("--labels", "kinds.csv", "--label", "kind"),
    }


def test_every_kind_of_source_has_the_same_series_and_labels(quick, tmp_path):
    tables = {}
    for source, options in sources(tmp_path).items():
        shown = quick(source, *options, "--out", "p.csv")
        assert f"{source}: 12 series, 1 channel, 24 steps" in shown and "2 classes: " in shown
        assert "cross-validation of the probe in 5 folds of TRAIN" in shown
        table = pd.read_csv("p.csv", dtype={"series": str})
        names = table["series"].str.split("/").str[-1]
        assert sorted(names) == sorted(NAMES if names[0].startswith("s") else map(str, range(12))), source
        numbers = {"1": "slow", "2": "fast"}
        table[["label", "predicted"]] = table[["label", "predicted"]].astype(str).replace(numbers)
        tables[source] = table.sort_values("series")
    for source, table in tables.items():
        wanted = sorted(LABELS) if source == "classes" else LABELS
        assert table["label"].tolist() == wanted, source
    first = tables["rows.csv"]
    assert list(first) == ["series", "label", "predicted", "p(fast)", "p(slow)"]
    np.testing.assert_allclose(first["p(fast)"] + first["p(slow)"], 1.0)
    assert (tables["long.csv"]["predicted"].to_numpy() == first["predicted"].to_numpy()).all()


def test_test_series_are_scored_beside_the_untrained_encoder_and_the_majority(classify):
    rows().to_csv("train.csv", index=False)
    unseen = rows(["slow", "fast", "fast"] * 4)
    unseen.to_csv("test.csv", index=False)
    result = CliRunner().invoke(
        app,
        ["classify", "train.csv", "test.csv", "--max-steps", "1", "--save", "m", "--out", "p.csv", "--json"],
    )
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert "confusion" in said and "predicted class" in result.stderr
    assert [row["encoder"] for row in said["encoders"]] == ["MaskedSeriesEncoder", "untrained", "always fast"]
    assert [row["steps"] for row in said["encoders"]] == [1, 0, None]
    assert said["encoders"][2]["accuracy"] == pytest.approx(8 / 12)
    assert said["encoders"][2]["balanced_accuracy"] == 0.5
    assert said["measured"] == "test" and said["accuracy"] == said["encoders"][0]["accuracy"]
    table = pd.read_csv("p.csv")
    assert table["series"].tolist() == NAMES and table["label"].tolist() == unseen["label"].tolist()
    assert [each["predicted"] for each in said["predictions"]] == table["predicted"].tolist()
    counts = pd.crosstab(table["label"], table["predicted"])
    assert {true: sum(row.values()) for true, row in said["confusion"].items()} == counts.sum(
        axis=1
    ).to_dict()
    classifier = load("m")
    np.testing.assert_array_equal(classifier.predict(WAVES[:, None]), table["predicted"])
    np.testing.assert_allclose(classifier.predict_proba(WAVES[:, None])[:, 0], table["p(fast)"], rtol=1e-6)
    assert classifier.encoder_.checkpoint is None


def test_a_saved_classifier_predicts_series_without_labels(classify, quick, shell):
    rows(name="kind").to_csv("train.csv", index=False)
    shown = quick("train.csv", "--label", "kind", "--save", "m", "--out", "first.csv")
    _, command = shown.rsplit("next: ", 1)
    assert command == "tsrep classify NEW_FILE --model m --label kind"
    for name, frame in (("bare.csv", rows(None)), ("labelled.csv", rows(name="kind"))):
        frame.to_csv(name, index=False)
        words = shlex.split(command.replace("NEW_FILE", name))[1:]
        shown = shell(*words, "--out", f"p-{name}")
        assert "nothing is learned" in shown
        assert ("accuracy 1.000" in shown) == (name == "labelled.csv")
    bare, labelled = pd.read_csv("p-bare.csv"), pd.read_csv("p-labelled.csv")
    assert list(bare) == ["series", "predicted", "p(fast)", "p(slow)"]
    pd.testing.assert_frame_equal(bare, labelled.drop(columns="label"))
    shell("encode", "bare.csv", "--rows", "--model", "m", "--out", "z.npy")
    np.testing.assert_array_equal(np.load("z.npy"), load("m").encoder_.transform(WAVES[:, None]))
    for options in (["bare.csv"], ["--probe", "svm"], ["--save", "n"], ["--max-steps", "2"]):
        assert "cannot be given with" in classify("bare.csv", *options, "--model", "m", code=1)


def test_unlabelled_series_are_predicted_and_not_scored(quick):
    some = [None if place in (0, 5) else label for place, label in enumerate(LABELS)]
    rows(some).to_csv("train.csv", index=False)
    shown = quick("train.csv", "--out", "p.csv")
    assert "2 series have no label: they train the encoder only" in shown
    table = pd.read_csv("p.csv")
    assert table["label"].isna().tolist() == [label is None for label in some]
    assert table["predicted"].notna().all()
    rows(None).to_csv("test.csv", index=False)
    shown = quick("train.csv", "test.csv", "--out", "p.csv")
    assert "accuracy" not in shown and "probability" in shown
    assert "label" not in pd.read_csv("p.csv")


def test_columns_of_the_test_series_are_found_by_name(classify, tmp_path):
    two = long().assign(other=1.0)
    two.to_csv("train.csv", index=False)
    two[["other", "label", "ds", "y", "unique_id"]].to_csv("test.csv", index=False)
    options = ("--max-steps", 0, "--model", "ts2vec", "--probe", "knn", "--out", "p.csv")
    classify("train.csv", "test.csv", *options)
    table = pd.read_csv("p.csv")
    assert (table["label"] == table["predicted"]).all()  # the nearest of each is itself
    long().to_csv("one.csv", index=False)
    assert "wanted ['y', 'other']" in classify("train.csv", "one.csv", *options, code=1)


def test_a_data_set_by_name(classify, shell, tmp_path):
    for split in ("TRAIN", "TEST"):
        values = np.column_stack([np.arange(8) % 2, rng.normal(size=(8, 16))])
        np.savetxt(tmp_path / f"Tiny_{split}.tsv", values, delimiter="\t")
    options = ("--root", tmp_path, "--max-steps", 1, "--probe", "knn", "--save", tmp_path / "m")
    shown = classify("Tiny", *options)
    assert "Tiny: 8 series, 1 channel, 16 steps" in shown and "Tiny, test part: 8 series" in shown
    assert "TS2Vec │ 1 │ knn" in shown and "untrained │ 0 │" in shown and "always 0 │ - │" in shown
    assert f"next: tsrep classify Tiny --model {tmp_path / 'm'} --root {tmp_path}" in shown
    assert "svm" in classify("Tiny", "--root", tmp_path, "--max-steps", 0)
    assert "has a test part of its own" in classify("Tiny", "x.csv", "--root", tmp_path, code=1)
    assert "--label and --labels cannot be given" in classify("Tiny", "--label", "y", code=1)


def test_how_rows_are_read_is_said_and_so_is_a_scale_that_ts2vec_is_not_made_for(quick, classify):
    rows(values=1000 * WAVES).round(3).to_csv("train.csv", index=False, sep=";", decimal=",")
    shown = quick("train.csv")
    assert "label of each series: column 'label'" in shown and "name of each series: column 'id'" in shown
    assert "made for 0 and 1" not in shown  # the encoder is a saved one
    options = ("train.csv", "--probe", "knn", "--max-steps", 0, "--model")
    assert "standardise them, or take --model masked" in classify(*options, "ts2vec")
    assert "standardise" not in classify(*options, "masked")


def test_a_stopped_training_continues_from_its_checkpoint(classify, monkeypatch):
    rows().to_csv("train.csv", index=False)
    from tsrep.train import hooks

    def stops_at(step: int):
        def hook(clock, scalars):
            if clock.step == step:
                raise KeyboardInterrupt

        return hook

    options = ("train.csv", "--model", "ts2vec", "--max-steps", 60, "--probe", "knn")
    original = hooks.record
    for step, rest, said in (
        (3, (), "with --checkpoint FOLDER it can be continued"),
        (3, ("--checkpoint", "c"), "the same command starts anew"),
        (55, ("--checkpoint", "c"), "the same command continues from the last state in c"),
    ):
        monkeypatch.setattr(hooks, "record", lambda history, step=step: stops_at(step))
        assert said in classify(*options, *rest, code=130)
    monkeypatch.setattr(hooks, "record", original)
    classify(*options, "--checkpoint", "c", "--save", "m")
    assert load("m").encoder_.n_steps_ == 60


def test_columns_of_text_and_dates_beside_the_steps_are_left_out_and_said(quick, tmp_path):
    rows().to_csv("plain.csv", index=False)
    beside = rows()
    beside.insert(1, "place", "Berlin")
    beside.insert(2, "date", pd.date_range("2026-01-01", periods=12))
    beside.to_csv("beside.csv", index=False)
    quick("plain.csv", "--out", "plain-out.csv")
    shown = quick("beside.csv", "--rows", "--out", "beside-out.csv")
    assert "steps of each series: columns 't0' to 't23'" in shown
    assert "'place', 'date' left out: no numbers, so no steps" in shown
    assert Path("beside-out.csv").read_text() == Path("plain-out.csv").read_text()


def bad_sources(folder: Path) -> None:
    long([*LABELS]).assign(label=lambda frame: np.where(frame["ds"] > "2026-01-20", "late", "early")).to_csv(
        folder / "changing.csv", index=False
    )
    rows(name="kind").to_csv(folder / "unknown.csv", index=False)
    rows().assign(target=1).to_csv(folder / "two.csv", index=False)
    rows(np.linspace(0, 1, 12)).to_csv(folder / "real.csv", index=False)
    rows(["a"] * 12).to_csv(folder / "one.csv", index=False)
    rows(["a"] * 11 + ["b"]).to_csv(folder / "single.csv", index=False)
    rows().assign(t3=[*map(str, WAVES[:-1, 3]), "x"]).to_csv(folder / "damaged.csv", index=False)
    rows().assign(geprüft="01.02.2026").to_csv(folder / "dated.csv", index=False)
    pd.DataFrame({"time": pd.date_range("2026-01-01", periods=9), "y": range(9), "label": "a"}).to_csv(
        folder / "wide.csv", index=False
    )
    np.save(folder / "x.npy", WAVES)
    write_folder(folder / "bare", ["."] * 12)
    pd.DataFrame({"name": NAMES[:-1], "label": LABELS[:-1]}).to_csv(folder / "short.csv", index=False)
    pd.DataFrame({"name": [*NAMES, "s00"], "label": [*LABELS, "x"]}).to_csv(folder / "twice.csv", index=False)
    pd.DataFrame({"name": list("abc"), "label": list("xyz")}).to_csv(folder / "others.csv", index=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("changing.csv", "the label of series 's00' changes from 'early' to 'late' in column 'label'"),
        ("unknown.csv", "unknown.csv has no column of labels that is known by its name, among 'id', 't0'"),
        ("unknown.csv --label knd", "unknown.csv has no column 'knd' among"),
        ("two.csv", "two.csv has the columns 'label', 'target': which one is the label? Say it with --label"),
        ("real.csv", "holds 0.0909091; wanted classes, as text or whole numbers"),
        ("one.csv", "all labels are 'a'; wanted series of at least two classes"),
        ("single.csv", "class 'b' has one series, and a cross-validation needs two"),
        ("damaged.csv", "damaged.csv: column 't3' holds text, 'x' in row 12; wanted numbers"),
        ("dated.csv", "dated.csv has the time column 'geprüft' and no column unique_id: it holds one series"),
        ("dated.csv", "(if it is such a table, add --rows)"),
        ("wide.csv", "wide.csv has the time column 'time' and no column unique_id: it holds one series"),
        ("x.npy", "x.npy has no labels: name a table of names and labels with --labels"),
        ("bare", "bare has no labels: put the series of each class into a folder of its own"),
        ("bare --labels short.csv", "short.csv has no row for s11.npy"),
        ("bare --labels twice.csv", "twice.csv has 's00' twice in column 'name'"),
        ("bare --labels others.csv", "others.csv has no column with the names of the series, 's00.npy'"),
        ("rows.csv --model nothing", "--model is 'nothing'; wanted masked, ts2vec or the folder of a saved"),
        ("rows.csv --out p.xls", "--out is 'p.xls'; wanted a name that ends in .csv or .parquet"),
        ("rows.csv --out rows.csv", "--out is 'rows.csv', the file that is read"),
        ("rows.csv missing.csv", "missing.csv does not exist"),
        ("rows.csv --time t0", "--time cannot be given: each row of rows.csv is read as a series"),
    ],
)
def test_what_is_wrong_is_said_before_the_training(arguments, message, classify, tmp_path, monkeypatch):
    monkeypatch.setattr("tsrep.encoding.estimator.train", None)  # would fail if it were called
    bad_sources(tmp_path)
    rows().to_csv("rows.csv", index=False)
    shown = classify(*arguments.split(), code=1)
    assert "error: " in shown and message in shown


def test_measures():
    y = np.array(["a", "a", "a", "b", None], dtype=object)
    said = np.array(["a", "a", "b", "b", "b"], dtype=object)
    assert scores(y, said) == {"accuracy": 0.75, "balanced_accuracy": pytest.approx((2 / 3 + 1) / 2)}
    assert confusion(y, said).to_dict("index") == {"a": {"a": 2, "b": 1}, "b": {"a": 0, "b": 1}}
    assert as_classes([1.0, True, " x ", np.nan, ""], "y").tolist() == ["1", "True", "x", None, None]


def test_cross_validation_predicts_no_series_by_itself():
    Z = rng.normal(size=(20, 3))
    y = np.array(["a", "b"] * 10, dtype=object)
    fitted = fit_probe(Z, y, "knn")
    assert (fitted.predict(Z) == y).all()
    said = cross_validated(Z, y, fitted, seed=0)
    assert (
        0.1 < (said.predicted == y).mean() < 0.9
    )  # the labels are random: the nearest other one says nothing
