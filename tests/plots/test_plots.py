import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from tsrep.plots import (
    plot_accuracy,
    plot_anomalies,
    plot_clusters,
    plot_forecast,
    plot_imputation,
    plot_loss,
    plot_map,
    plot_maps,
    plot_matches,
    plot_representation,
    plot_rivals,
)
from tsrep.plots.loss import running_mean
from tsrep.plots.map import principal_plane
from tsrep.plots.representation import most_variable
from tsrep.plots.style import appearance

rng = np.random.default_rng(0)


def test_heat_map_is_aligned_with_the_series():
    figure = plot_representation(
        rng.normal(size=500), rng.normal(size=(500, 40)), sampling_rate=50, start=100
    )
    above, below = figure.axes[:2]
    assert isinstance(figure, Figure)
    assert above.get_xlim() == below.get_xlim() == (2.0, 12.0)  # steps 100 to 600 at 50 a second
    assert below.images[0].get_array().shape == (16, 500)
    assert below.get_xlabel() == "time (s)"
    assert below.get_ylabel() == "16 of 40 dimensions"


def test_heat_map_of_several_channels_with_a_gap():
    series, representation = rng.normal(size=(3, 60)), rng.normal(size=(60, 5))
    series[0, 10:20], representation[50:] = np.nan, np.nan
    before = series.copy()
    figure = plot_representation(series, representation, highlight=[(5, 9)])
    assert len(figure.axes[0].lines) == 3
    assert figure.axes[1].images[0].get_array().shape == (5, 60)
    assert figure.axes[1].get_xlabel() == "time step"
    assert len(figure.axes[0].patches) == 1
    np.testing.assert_array_equal(series, before)


def test_heat_map_rows_are_the_most_variable_dimensions():
    representation = rng.normal(size=(100, 4)) * [1.0, 5.0, 0.1, 3.0]
    assert most_variable(representation, 3).tolist() == [1, 3, 0]


@pytest.mark.parametrize("shape", [(9, 4), (4,), (1, 10, 4)])
def test_heat_map_refuses_arrays_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="representation has shape"):
        plot_representation(np.zeros(10), np.zeros(shape))


def test_heat_map_refuses_a_panel():
    with pytest.raises(ValueError, match="series has shape"):
        plot_representation(np.zeros((1, 1, 10)), np.zeros((10, 3)))


def test_loss_has_a_faint_line_and_a_running_mean():
    history = [{"step": i, "loss": 1.0 + i % 2, "seconds": 0.1} for i in range(100)]
    (ax,) = plot_loss(history).axes
    raw, smooth = ax.lines
    assert raw.get_alpha() < 0.5 < smooth.get_linewidth()
    np.testing.assert_allclose(raw.get_ydata(), [1 + i % 2 for i in range(100)])
    assert np.ptp(smooth.get_ydata()[10:]) < 0.3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("training step", "loss (logarithmic)")
    assert ax.get_legend() is None


def test_loss_of_several_encoders_names_them():
    history = [{"step": i, "loss": 1.0, "validation_loss": 2.0} for i in range(3)]
    (ax,) = plot_loss({"a": history, "b": history}).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "a",
        "a validation",
        "b",
        "b validation",
    ]


def test_loss_refuses_an_untrained_encoder():
    with pytest.raises(ValueError, match="empty"):
        plot_loss([])


def test_running_mean_looks_back_only():
    np.testing.assert_allclose(running_mean(np.array([1.0, 3.0, 5.0, 7.0]), 2), [1.0, 2.0, 4.0, 6.0])


def test_principal_plane_keeps_distances_of_planar_points():
    plane = rng.normal(size=(20, 2))
    turned = plane @ np.linalg.qr(rng.normal(size=(7, 7)))[0][:2] + 3.0
    coordinates, share = principal_plane(turned)
    np.testing.assert_allclose(share.sum(), 1.0)
    np.testing.assert_allclose(
        np.linalg.norm(coordinates[:, None] - coordinates, axis=-1),
        np.linalg.norm(plane[:, None] - plane, axis=-1),
    )


@pytest.mark.parametrize("shape", [(1, 5), (6, 1), (3, 3)])
def test_principal_plane_of_small_arrays(shape):
    coordinates, share = principal_plane(rng.normal(size=shape))
    assert coordinates.shape == (shape[0], 2)
    assert np.isfinite(coordinates).all() and np.isfinite(share).all()


def test_map_has_one_cloud_a_class_and_grey_for_unlabelled():
    (ax,) = plot_map(rng.normal(size=(30, 8)), np.arange(30) % 3 - 1).axes
    assert [cloud.get_label() for cloud in ax.collections] == ["unlabelled", "0", "1"]
    assert "of the variance" in ax.get_xlabel()


def test_maps_stand_side_by_side_with_one_legend():
    Z = rng.normal(size=(12, 8))
    figure = plot_maps({"untrained": Z, "trained": 2 * Z}, np.array(["walking", "running"] * 6))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["untrained", "trained"]
    assert len(figure.legends) == 1


@pytest.mark.parametrize("Z, y, message", [
    (np.zeros((3, 4)), np.zeros(2), "y has shape"),
    (np.full((3, 4), np.nan), np.zeros(3), "Z holds NaN"),
    (np.zeros((3, 4, 5)), np.zeros(3), "Z has shape"),
])  # fmt: skip
def test_map_refuses_what_it_cannot_draw(Z, y, message):
    with pytest.raises(ValueError, match=message):
        plot_map(Z, y)


def test_accuracy_has_one_row_a_set_and_one_cloud_a_method():
    figure = plot_accuracy({"GunPoint": {"TS2Vec": 0.98, "1-NN": 0.91}, "ArrowHead": {"TS2Vec": 0.8}})
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["GunPoint", "ArrowHead"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["TS2Vec", "1-NN"]
    low, high = ax.get_xlim()
    assert low < 0.8 and high > 1.0


@pytest.mark.parametrize("accuracies", [{}, {"a": {"m": 98.0}}])
def test_accuracy_refuses_percent_and_nothing(accuracies):
    with pytest.raises(ValueError):
        plot_accuracy(accuracies)


def test_rivals_have_a_panel_each_over_one_truth():
    index = pd.date_range("2026-01-01", periods=6, freq="h")
    series = pd.Series([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], index, name="load")
    one = pd.DataFrame({"load": [4.0, 6.0], "load_lower": 3.0, "load_upper": 7.0}, index[4:])
    figure = plot_rivals(series[:4], series[4:], {"ours": one, "theirs": one[["load"]] + 1})
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["ours: mean absolute error 0.5", "theirs: mean absolute error 1.5"]
    assert [len(ax.collections) for ax in figure.axes] == [1, 0]  # the band of the interval
    assert all((ax.lines[1].get_ydata() == [4.0, 5.0]).all() for ax in figure.axes)
    with pytest.raises(ValueError, match="forecast of theirs lacks the column 'load'"):
        plot_rivals(series[:4], series[4:], {"theirs": one.rename(columns={"load": "other"})})


def test_sixty_four_classes_look_different():
    assert len({appearance(i) for i in range(64)}) == 64


def test_figures_need_no_pyplot():
    code = "import sys, numpy as np; from tsrep.plots import plot_map; "
    code += "plot_map(np.eye(4), np.arange(4)).savefig('/dev/null', format='png'); "
    code += "raise SystemExit('matplotlib.pyplot' in sys.modules)"
    import subprocess

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_imputation_draws_gaps_bands_and_lone_points():
    observed = np.array([[1.0, 2.0, np.nan, 4.0, np.nan, 6.0, 7.0]])
    imputed = np.arange(1.0, 8.0)[None]
    bands = {0.5: np.full((1, 7), 0.3), 0.9: np.full((1, 7), 1.1)}
    figure = plot_imputation(observed, imputed, bands, names=["load"])
    (panel,) = figure.axes
    filled, known, points = panel.get_lines()
    np.testing.assert_array_equal(filled.get_ydata(), imputed[0])
    np.testing.assert_array_equal(known.get_ydata(), observed[0])
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(points.get_ydata())), [3])
    shown = plot_imputation(observed, imputed, bands, names=["load"], truth=-imputed).axes[0].get_lines()
    np.testing.assert_array_equal(shown[0].get_ydata(), -imputed[0])
    inner = next(band for band in panel.collections if band.get_label() == "50% of values")
    heights = inner.get_paths()[0].vertices[:, 1]
    assert heights.max() <= 7.0 and np.isclose(heights, 5.3).any()


def test_clusters_have_a_map_and_their_members():
    series = [rng.normal(size=(2, 10 + number)) for number in range(6)]
    figure = plot_clusters(rng.normal(size=(6, 4)), [0, 0, 1, 1, 1, -1], series, [1, 3])
    plane, first, second = figure.axes
    assert len(plane.collections) == 3  # two clusters and the noise
    assert [len(ax.lines) for ax in (first, second)] == [3, 4]  # the members, and the nearest once more
    np.testing.assert_array_equal(second.lines[-1].get_ydata(), series[3][0])
    assert "cluster 1: 3" in second.get_title(loc="left")
    with pytest.raises(ValueError, match="wanted one length"):
        plot_clusters(np.ones((6, 4)), [0, 1], series, [0, 1])


def test_matches_stand_below_the_query_on_one_scale():
    query, matches = np.ones((2, 5)), [np.zeros((2, 5)), np.full((2, 5), 9.0)]
    figure = plot_matches(query, matches, ["a", "b"])
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["query", "a", "b"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), matches[1][0])
    with pytest.raises(ValueError, match="names has 1 entries; wanted 2"):
        plot_matches(query, matches, ["a"])


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_extremes_of_a_long_series_with_gaps_are_drawn(share, side):
    random = np.random.default_rng(0)
    values = side * (100 + random.normal(size=100_000))
    dips = np.arange(500, 100_000, 1000)
    gone = random.random(100_000) < share
    gone[dips] = False
    values[gone], values[dips] = np.nan, side * 50
    figure = plot_anomalies(np.arange(100_000), values, np.zeros(100_000), np.zeros(100_000))
    assert (figure.axes[0].lines[0].get_ydata() == side * 50).sum() == len(dips)


def test_dates_are_shown_by_the_clocks_of_their_zone():
    hours = pd.date_range("2026-01-05", periods=48, freq="h", tz="Asia/Tokyo")
    load = pd.DataFrame({"load": np.arange(48.0)}, hours)
    flat = load["load"].to_numpy()
    for figure in (
        plot_anomalies(hours, flat, flat, flat > 40),
        plot_forecast(load[:24], load[24:]),
        plot_imputation(flat[None], flat[None], {}, names=["load"], index=hours),
    ):
        ax = figure.axes[-1]
        assert ax.get_xlabel() == "Asia/Tokyo"
        midnight = date2num(pd.Timestamp("2026-01-05 15:00", tz="UTC"))
        assert ax.xaxis.get_major_formatter().format_ticks([midnight - 0.5, midnight])[1] in ("06", "Jan-06")
    assert plot_anomalies(np.arange(48), flat, flat, flat > 40).axes[-1].get_xlabel() == "step"
