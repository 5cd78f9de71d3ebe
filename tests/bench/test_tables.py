"""Tables from result lines that are written by hand."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tsrep.bench.classification import ablation, accuracy
from tsrep.bench.commands import app
from tsrep.bench.environment import environment
from tsrep.bench.families import TABLES
from tsrep.bench.pages import conditions
from tsrep.bench.results import append_line, good_lines

SETS = {"ArrowHead": 0.85, "BME": 0.99, "Beef": 0.70, "CBF": 1.0, "Coffee": 1.0, "NotPublished": 0.5}
SHIFT = {"ts2vec": 0.0, "untrained": -0.1, "1nn-dtw": -0.05}


def write(folder, table, dataset, method, accuracy, seed=0, variant="", **more):
    line = {
        "cell": f"{table}/{dataset}/{method}/{variant}/{seed}",
        "status": "ok",
        "table": table,
        "dataset": dataset,
    }
    line |= {
        "method": method,
        "seed": seed,
        "variant": variant,
        "accuracy": accuracy,
        "threads": 1,
        "seconds": 3.0,
    }
    line |= {"n_train": 10, "n_test": 20, "n_channels": 1, "length": 30, "n_classes": 2}
    append_line(folder / "results.jsonl", line | environment() | more)


@pytest.fixture
def ucr(tmp_path):
    for dataset, best in SETS.items():
        for method, shift in SHIFT.items():
            write(tmp_path, "ucr", dataset, method, best + shift)
    write(tmp_path, "ucr", "ArrowHead", "ts2vec", 0.81, seed=1)
    write(tmp_path, "ucr", "Beef", "multirocket", 0.9)
    write(tmp_path, "ucr", "Wine", "multirocket", 0, status="failed", error="ValueError: too short")
    return tmp_path


def measured(folder):
    return accuracy.accuracy_table(pd.DataFrame(good_lines(folder)))


def with_published(folder):
    return measured(folder).join(accuracy.published_accuracies())


def test_published_numbers_are_the_verified_ones():
    published = accuracy.published_accuracies()
    assert published.shape == (64, 2)
    assert published.loc["ArrowHead"].tolist() == [0.857, 0.851]
    assert published.mean().round(3).tolist() == [0.882, 0.879]


def test_accuracy_is_the_mean_over_seeds(ucr):
    accuracies = measured(ucr)
    assert accuracies.at["ArrowHead", "ts2vec"] == pytest.approx(0.83)
    assert np.isnan(accuracies.at["CBF", "multirocket"]) and "Wine" not in accuracies.index
    spread = accuracy.spread_table(pd.DataFrame(good_lines(ucr)))
    assert spread.at["ArrowHead", "ts2vec"] == pytest.approx(0.04 / np.sqrt(2))


def test_summary_ranks_methods_that_half_of_the_sets_have(ucr):
    summary = accuracy.summary(with_published(ucr))
    assert summary.at["ts2vec", "mean_rank"] == 1 and summary.at["untrained", "mean_rank"] == 3
    assert pd.isna(summary.at["multirocket", "mean_rank"])
    assert summary.loc["multirocket", ["shared_sets", "wins", "losses"]].tolist() == [1, 0, 1]
    assert summary.loc["untrained", ["shared_sets", "wins", "ties", "losses"]].tolist() == [6, 6, 0, 0]
    assert summary.at[accuracy.PAPER, "shared_sets"] == 5


def test_sets_far_from_the_paper_are_listed(ucr):
    differing = accuracy.notable_differences(with_published(ucr))
    assert differing.index.tolist() == ["Beef"]
    assert differing.at["Beef", "difference"] == pytest.approx(0.70 - 0.767)


def test_pages_say_what_was_measured(ucr):
    written = {path.name for path in TABLES["ucr"].write(ucr)}
    assert written == {"table.csv", "table.md", "table.html", "critical_difference.png", "scatter.png"}
    markdown = (ucr / "table.md").read_text()
    assert "0.830 ± 0.028 (2)" in markdown
    assert "On the 5 sets with a published number" in markdown
    assert "ValueError: too short" in markdown
    csv = pd.read_csv(ucr / "table.csv", index_col="dataset")
    assert csv.at["ArrowHead", "ts2vec seeds"] == 2 and csv.at["ArrowHead", "n_train"] == 10
    html = (ucr / "table.html").read_text()
    assert 'class="best"' in html and "**" not in html and html.count("data:image/png;base64,") == 2


def test_computing_time_is_the_processors_where_a_line_has_it():
    line = {**environment(), "threads": 1, "seconds": 7200.0}
    lines = pd.DataFrame([line, {**line, "core_seconds": 3600.0}])
    assert "3.0 h of computing" in conditions(lines) and "2.0 h" in conditions(lines[:1].dropna(axis=1))


def test_the_uea_table_has_no_published_column(tmp_path):
    write(tmp_path, "uea", "BasicMotions", "ts2vec", 0.9)
    TABLES["uea"].write(tmp_path)
    assert "paper" not in (tmp_path / "table.md").read_text()


def test_lines_of_other_tables_in_a_folder_are_left_out(tmp_path):
    write(tmp_path, "ucr", "GunPoint", "ts2vec", 0.98)
    write(tmp_path, "ts2vec-ablation", "GunPoint", "ts2vec", 0.6)
    write(tmp_path, "uea", "BasicMotions", "ts2vec", 0.7)
    TABLES["ucr"].write(tmp_path)
    table = pd.read_csv(tmp_path / "table.csv", index_col="dataset")
    assert table.index.tolist() == ["GunPoint"] and table.at["GunPoint", "ts2vec"] == 0.98


def test_a_table_of_nothing_ends_with_a_sentence(tmp_path):
    done = CliRunner().invoke(app, ["table", "ucr", "--results", str(tmp_path)])
    assert done.exit_code == 1 and "no finished cell" in done.output
    with pytest.raises(ValueError, match="no finished cell"):
        TABLES["uea"].write(tmp_path)


def ablation_scores():
    rng = np.random.default_rng(0)
    full = rng.uniform(0.6, 0.9, 15)
    return pd.DataFrame(
        {
            "full": full,
            "no-cropping": full - rng.uniform(0.01, 0.05, 15),
            "jitter": full + rng.uniform(0.01, 0.05, 15),
            "lstm": full + rng.normal(0, 0.02, 15),
            "continuous-mask": full,
        }
    )


def test_claims_follow_from_the_numbers():
    table = ablation.ablation_table(ablation_scores())
    cropping, jitter, lstm = ablation.claims(table)
    assert cropping.startswith("Random cropping helps: holds here")
    assert jitter.startswith("Adding jitter harms: does not hold here")
    assert lstm.startswith("Dilated convolutions beat an LSTM: undecided here")
    assert f"{table.at['no-cropping', 'difference']:+.3f}; lower on 15, higher on 0, equal on 0" in cropping
    assert table.at["no-cropping", "p_holm"] == pytest.approx(4 * 2 / 2**15)


def test_ablation_needs_the_full_model():
    with pytest.raises(ValueError, match="'full'"):
        ablation.ablation_table(ablation_scores().drop(columns="full"))


def test_ablation_pages(tmp_path):
    for variant, column in ablation_scores().items():
        for index, value in enumerate(column):
            write(tmp_path, "ts2vec-ablation", f"S{index}", "ts2vec", value, variant=variant)
    written = {path.name for path in TABLES["ts2vec-ablation"].write(tmp_path)}
    assert written == {"table.csv", "table.md", "table.html", "ablation.png"}
    assert "does not hold here" in (tmp_path / "table.md").read_text()


def test_every_variant_is_a_setting_of_the_estimator():
    from tsrep import TS2Vec

    names = TS2Vec().get_params().keys()
    for variant in ablation.VARIANTS.values():
        assert variant.settings.keys() <= names
