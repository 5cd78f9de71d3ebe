"""The detector: what it finds, that it looks neither ahead nor at the test part, and what it takes and refuses."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationAnomalyDetector, dominant_period
from tsrep.tasks.anomaly.alarms import quantile_threshold
from tsrep.tasks.anomaly.causal import STRETCH, CausalViews
from tsrep.tasks.anomaly.context import SHARE_OF_TRAINING
from tsrep.tasks.anomaly.scores import FLOOR, POINTS, SCORES, _distance_to_nearest, _pooled, _shapes
from tsrep.tasks.series import ONLY

CONTEXT = 24
STEPS = np.arange(520)
WAVE = np.sin(STEPS / 5) + 0.05 * np.sin(STEPS * STEPS * 0.37)
SPIKED = np.where(STEPS == 450, 3.0, WAVE)
TRAIN = 400


def encoder(**changes):
    settings = {"n_components": 12, "hidden_channels": 8, "depth": 4, "max_steps": 3, "random_state": 0}
    return TS2Vec(**{**settings, **changes})


def detector(score="hidden", **changes):
    return RepresentationAnomalyDetector(encoder(), context=CONTEXT, score=score, **changes)


@pytest.fixture(scope="module")
def fitted():
    """A detector of each score, fitted on the first 400 steps of the wave."""
    return {score: detector(score).fit(WAVE[:TRAIN]) for score in SCORES}


class Lag(BaseEstimator):
    """A representation without a network: the value and its difference from the step before; 0 for what is missing."""

    def fit(self, X, y=None):
        return self

    def encode_causal(self, X, context, hide_last=False):
        now = np.nan_to_num(np.asarray(X, dtype=float).transpose(0, 2, 1))
        before = np.concatenate([np.zeros_like(now[:, :1]), now[:, :-1]], axis=1)
        shown = np.zeros_like(now) if hide_last else now
        return np.concatenate([shown, shown - before], axis=2)


# What it finds


@pytest.mark.parametrize("score", SCORES)
def test_every_score_finds_a_spike(fitted, score):
    scores = fitted[score].decision_function(SPIKED)
    assert scores.shape == (520,) and scores.dtype == np.float64
    assert 450 <= np.argmax(scores[CONTEXT:]) + CONTEXT <= 450 + CONTEXT
    assert fitted[score].predict(SPIKED)[450] == 1
    assert set(fitted[score].predict(SPIKED)) == {0, 1}
    np.testing.assert_array_equal(fitted[score].score_samples(SPIKED), -scores)


def test_the_papers_score_by_its_definition(fitted):
    panel = ((SPIKED - WAVE[:TRAIN].mean()) / WAVE[:TRAIN].std())[None, None]
    trained = fitted["hidden"].encoder_
    shown = trained.encode_causal(panel, context=CONTEXT)[0]
    hidden = trained.encode_causal(panel, context=CONTEXT, hide_last=True)[0]
    moved = np.abs(shown - hidden).sum(axis=1)
    mean = np.array([moved[step - 21 : step].mean() for step in range(21, 520)])
    wanted = (moved[21:] - mean) / mean
    np.testing.assert_allclose(fitted["hidden"].decision_function(SPIKED)[21:], wanted, rtol=1e-3, atol=1e-4)
    train = fitted["hidden"].decision_function(WAVE[:TRAIN])[21:]
    assert fitted["hidden"].threshold_ == pytest.approx(train.mean() + 4 * train.std())


def test_any_encoder_will_do():
    found = RepresentationAnomalyDetector(Lag(), context=5, score="hidden").fit(WAVE[:TRAIN])
    assert np.flatnonzero(found.predict(SPIKED)).tolist() == [450]
    with pytest.raises(TypeError, match="Lag, which cannot be saved"):
        found.save("nowhere")


def test_several_channels():
    series = np.column_stack([WAVE, np.cos(STEPS / 9)])
    found = detector().fit(series[:TRAIN])
    spiked = series.copy()
    spiked[460, 1] = -4
    assert found.predict(spiked)[460] == 1 and found.n_channels_ == 2


def test_alarms_are_kept_apart():
    series = WAVE.copy()
    series[450:460:2] = 4
    settings = {"context": 5, "score": "hidden", "moving_average": 0}
    close = RepresentationAnomalyDetector(Lag(), delay=0, **settings).fit(WAVE[:TRAIN])
    apart = RepresentationAnomalyDetector(Lag(), delay=7, **settings).fit(WAVE[:TRAIN])
    assert np.flatnonzero(close.predict(series)).tolist() == [450, 452, 454, 456, 458]
    assert np.flatnonzero(apart.predict(series)).tolist() == [450, 458]


def test_thresholds(fitted):
    trained = fitted["hidden"].encoder_
    usual = fitted["hidden"].decision_function(WAVE[:TRAIN])[21:]

    def of(kind, level=None):
        kept = RepresentationAnomalyDetector(
            trained, CONTEXT, "hidden", prefit=True, threshold=kind, level=level, delay=0
        )
        return kept.fit(WAVE[:TRAIN])

    assert of("deviation", 2).threshold_ == pytest.approx(usual.mean() + 2 * usual.std())
    assert of("quantile", 0.9).threshold_ == pytest.approx(quantile_threshold(usual, 0.9))
    assert of("budget", 100).predict(WAVE[:TRAIN]).sum() == 3  # of 379 scores: 2 would be 79 in 10,000
    running = of("running")
    assert np.isnan(running.threshold_)
    scores = running.decision_function(SPIKED)
    alarms = np.flatnonzero(running.predict(SPIKED))
    assert 450 in alarms
    for step in alarms:
        so_far = scores[21 : step + 1]
        assert scores[step] > so_far.mean() + 4 * so_far.std()


def test_pooled_takes_the_maximum_of_the_last_sixteen():
    representations = np.random.default_rng(0).normal(size=(40, 3))
    for step, found in enumerate(_pooled(representations)):
        np.testing.assert_array_equal(found, representations[max(0, step - 15) : step + 1].max(axis=0))
    assert _pooled(representations[:5]).shape == (5, 3)


def test_a_dominant_period():
    assert dominant_period(np.sin(2 * np.pi * np.arange(900) / 60)[:, None]) == 60
    gappy = 7 + np.sin(2 * np.pi * np.arange(900) / 60)
    gappy[300:350] = np.nan
    assert dominant_period(gappy[:, None]) == 60
    assert dominant_period(np.ones((900, 2))) == 100
    assert dominant_period(np.ones((20, 1))) == 6
    with_constant = np.column_stack([np.sin(2 * np.pi * np.arange(900) / 60), np.full((900, 9), 0.1)])
    assert dominant_period(with_constant) == dominant_period(with_constant[:, :1]) == 60


def test_a_window_is_standardised_and_made_shorter():
    values = np.random.default_rng(0).normal(size=(300, 2))
    found = _shapes(values, 20).reshape(300, 20, 2)
    last = values[181:201]
    np.testing.assert_allclose(found[200], (last - last.mean(axis=0)) / (last.std(axis=0) + FLOOR), rtol=1e-5)
    longer = _shapes(values, 4 * POINTS).reshape(300, POINTS, 2)
    means = values[300 - 4 * POINTS :].reshape(POINTS, 4, 2).mean(axis=1)
    wanted = (means - means.mean(axis=0)) / (means.std(axis=0) + FLOOR)
    np.testing.assert_allclose(longer[299], wanted, rtol=1e-4, atol=1e-5)
    assert _shapes(np.ones((50, 38)), 40).shape == (50, 13 * 38)


def test_a_window_with_gaps_holds_its_mean_there():
    values = np.random.default_rng(0).normal(size=(30, 1))
    values[[22, 25]] = np.nan
    last = values[20:30, 0]
    wanted = np.nan_to_num((last - np.nanmean(last)) / (np.nanstd(last) + FLOOR))
    np.testing.assert_allclose(_shapes(values, 10)[29], wanted, rtol=1e-5)
    np.testing.assert_array_equal(_shapes(np.full((8, 1), np.nan), 4), 0)


def test_the_nearest_of_many():
    rng = np.random.default_rng(0)
    queries, points = rng.normal(size=(1100, 3)), rng.normal(size=(50, 3))
    wanted = np.linalg.norm(queries[:, None] - points, axis=2).min(axis=1)
    np.testing.assert_allclose(_distance_to_nearest(queries, points), wanted, rtol=1e-6)


def test_combined_adds_the_shares_of_its_parts(fitted):
    """Each part counts as a share of its mean over the last third of training, held against the first two."""
    values = ((SPIKED - WAVE[:TRAIN].mean()) / WAVE[:TRAIN].std())[:, None]
    train = ((WAVE[:TRAIN] - WAVE[:TRAIN].mean()) / WAVE[:TRAIN].std())[:, None]
    views = CausalViews(fitted["combined"].encoder_, CONTEXT)
    wanted = 0.0
    for name in ("nearest", "pooled", "window"):
        part = SCORES[name]().fit(views, train)
        wanted = wanted + part.score(views, values) / np.nanmean(part.score_training(views, train))
    scores = fitted["combined"].decision_function(SPIKED)
    first = int(np.ceil(SHARE_OF_TRAINING * fitted["combined"].series_[ONLY].score.steps(CONTEXT))) - 1
    np.testing.assert_allclose(scores[first:], wanted[first:], rtol=1e-4)
    assert (scores[:first] == fitted["combined"].series_[ONLY].median_score).all()


def test_a_series_that_stands_still_can_be_judged():
    still = np.append(np.ones(300), [1.0, 5.0, 1.0])
    found = RepresentationAnomalyDetector(Lag(), context=5, score="combined").fit(still[:300])
    scores = found.decision_function(still)
    assert np.isfinite(scores).all() and np.argmax(scores) in (301, 302)


def test_a_window_as_long_as_the_context_is_the_same_live():
    """Its steps are values, which an encoder that remembers cannot give."""
    width = int(detector("window").fit(WAVE[:TRAIN]).series_[""].score.arrays["width"])
    found = RepresentationAnomalyDetector(encoder(), context=width - 1, score="window").fit(WAVE[:TRAIN])
    live = found.online(history=SPIKED[:430])
    scores = [live.update(point).score for point in SPIKED[430:470]]
    np.testing.assert_allclose(scores, found.decision_function(SPIKED)[430:470], rtol=1e-3, atol=1e-3)


def test_several_look_aheads_are_averaged(fitted):
    trained = fitted["pooled"].encoder_
    alone = fitted["pooled"].decision_function(SPIKED)
    ahead = RepresentationAnomalyDetector(
        trained, CONTEXT, score="pooled", prefit=True, look_ahead=(0, 4, 9)
    ).fit(WAVE[:TRAIN])
    scores = ahead.decision_function(SPIKED)
    for step in (100, 448, 452):
        means = [alone[step : step + reach + 1].mean() for reach in (0, 4, 9)]
        assert scores[step] == pytest.approx(np.mean(means))
    with pytest.raises(ValueError, match=r"look_ahead is \(0, 4, 9\); wanted 0 for a live series"):
        ahead.online()


@pytest.mark.parametrize("score", ["hidden", "nearest"])
def test_looking_ahead_takes_the_mean_of_the_scores_that_follow(fitted, score):
    alone = fitted[score].decision_function(SPIKED)
    ahead = RepresentationAnomalyDetector(
        fitted[score].encoder_, CONTEXT, score=score, prefit=True, look_ahead=4
    ).fit(WAVE[:TRAIN])
    scores, alarms = ahead.scores_and_alarms(SPIKED)
    for step in (100, 448, 452):
        assert scores[step] == pytest.approx(alone[step : step + 5].mean())
    assert scores[-1] == pytest.approx(alone[-1])
    np.testing.assert_array_equal(alarms, ahead.predict(SPIKED))
    np.testing.assert_array_equal(scores, ahead.decision_function(SPIKED))
    with pytest.raises(ValueError, match="look_ahead is 4; wanted 0 for a live series"):
        ahead.online()


def test_the_recipe_decides_a_score_that_is_none(fitted, tmp_path):
    trained = fitted["hidden"].encoder_
    for recipe, score in (("best", "combined"), ("paper", "hidden")):
        settings = {"context": CONTEXT, "prefit": True}
        by_recipe = RepresentationAnomalyDetector(trained, recipe=recipe, **settings).fit(WAVE[:TRAIN])
        by_score = RepresentationAnomalyDetector(trained, score=score, **settings).fit(WAVE[:TRAIN])
        scores = by_recipe.decision_function(SPIKED)
        np.testing.assert_array_equal(scores, by_score.decision_function(SPIKED))
        by_recipe.save(tmp_path / recipe)
        again = load(tmp_path / recipe)
        assert (again.recipe, again.score) == (recipe, None)
        np.testing.assert_array_equal(again.decision_function(SPIKED), scores)
    assert RepresentationAnomalyDetector(trained).recipe == "best"
    explicit = RepresentationAnomalyDetector(trained, CONTEXT, "window", True, recipe="paper").fit(
        WAVE[:TRAIN]
    )
    assert type(explicit.series_[""].score) is SCORES["window"]
    with pytest.raises(ValueError, match=r"recipe is 'good'; wanted one of \['best', 'paper'\]"):
        detector(recipe="good").fit(WAVE)


# Neither ahead nor at the test part


@pytest.mark.parametrize("score", SCORES)
def test_scores_never_look_ahead(fitted, score):
    cut = 470
    changed = np.append(SPIKED[:cut], 5 * np.sin(STEPS[cut:]))
    whole = fitted[score].decision_function(SPIKED)
    np.testing.assert_array_equal(fitted[score].predict(changed)[:cut], fitted[score].predict(SPIKED)[:cut])
    for other in (changed, SPIKED[:cut]):
        np.testing.assert_allclose(
            fitted[score].decision_function(other)[:cut], whole[:cut], rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("score", SCORES)
def test_fit_does_not_read_what_comes_after(fitted, score):
    """Fitting on a view of a longer array is fitting on a copy of that part, whatever stands behind it."""
    longer = np.append(WAVE[:TRAIN], np.full(100, 1e9))
    again = detector(score).fit(longer[:TRAIN])
    assert again.threshold_ == fitted[score].threshold_
    np.testing.assert_array_equal(again.decision_function(SPIKED), fitted[score].decision_function(SPIKED))


@pytest.mark.parametrize("score", SCORES)
def test_with_history_new_steps_score_as_in_the_whole_series(fitted, score):
    whole = fitted[score].decision_function(SPIKED)
    later = fitted[score].decision_function(SPIKED[420:], history=SPIKED[:420])
    np.testing.assert_allclose(later, whole[420:], rtol=1e-3, atol=1e-3)
    alarms = fitted[score].predict(SPIKED[420:], history=SPIKED[:420])
    np.testing.assert_array_equal(alarms, fitted[score].predict(SPIKED)[420:])


def test_stretches_are_seamless():
    values = np.sin(np.arange(STRETCH + 50) / 7)[:, None]
    views = CausalViews(encoder(max_steps=0).fit(values[None, :100, 0]), context=10)
    seam = slice(STRETCH - 20, STRETCH + 20)
    alone = CausalViews(views.encoder, context=10).shown(values[STRETCH - 40 : STRETCH + 20])
    np.testing.assert_allclose(views.shown(values)[seam], alone[20:], atol=1e-5)


def test_a_stride_takes_every_so_many_steps():
    values = np.sin(np.arange(STRETCH + 61) / 7)[:, None]
    views = CausalViews(encoder(max_steps=0).fit(values[None, :100, 0]), context=5)
    shown, hidden = (np.concatenate(parts) for parts in zip(*views.pairs(values, stride=4), strict=True))
    assert shown.shape == hidden.shape == (STRETCH + 61, 12)
    for step in (0, 3, 50, STRETCH - 1, STRETCH + 60):
        alone = values[step % 4 : step + 1 : 4].T[None]
        np.testing.assert_allclose(
            shown[step], views.encoder.encode_causal(alone, context=5)[0, -1], atol=1e-5
        )


# Live


@pytest.mark.parametrize("score", SCORES)
def test_point_by_point_is_the_same(fitted, score):
    live = fitted[score].online(history=SPIKED[:430])
    found = [live.update(point) for point in SPIKED[430:470]]
    scores = fitted[score].decision_function(SPIKED)[430:470]
    np.testing.assert_allclose([verdict.score for verdict in found], scores, rtol=1e-3, atol=1e-3)
    assert [int(verdict.alarm) for verdict in found] == fitted[score].predict(SPIKED)[430:470].tolist()
    assert found[0].threshold == fitted[score].threshold_


def test_masked_points_are_missing_live(fitted):
    live, again = (fitted["combined"].online(history=WAVE[:TRAIN]) for _ in range(2))
    points = np.ma.array(np.where(np.arange(6) == 2, 1e6, WAVE[TRAIN : TRAIN + 6]), mask=np.arange(6) == 2)
    expected = again.extend(np.ma.filled(points, np.nan))
    assert live.extend(points[:2]) == expected[:2]
    assert live.update(np.ma.masked) == expected[2]
    assert live.extend(points[3:]) == expected[3:]


def test_live_with_gaps_a_running_threshold_and_another_encoder():
    series = np.where(STEPS % 50 == 17, np.nan, SPIKED)
    found = RepresentationAnomalyDetector(Lag(), context=5, threshold="running").fit(series[:TRAIN])
    live = found.online()
    verdicts = live.extend(series)
    assert [int(v.alarm) for v in verdicts] == found.predict(series).tolist()
    np.testing.assert_allclose([v.score for v in verdicts], found.decision_function(series), atol=1e-9)
    assert any(verdict.alarm for verdict in verdicts[443:451])
    struck = series.copy()
    struck[60] = 1e20
    again = found.online().extend(struck)
    assert [int(v.alarm) for v in again] == found.predict(struck).tolist()
    assert again[60].alarm and again[450].threshold < 2 * verdicts[450].threshold
    with pytest.raises(ValueError, match="fitted with 1 channels"):
        live.update([1.0, 2.0])
    with pytest.raises(ValueError, match="infinite"):
        live.update(np.inf)


# Cold start


def test_a_fitted_encoder_is_kept_as_it_is():
    trained = encoder().fit(np.random.default_rng(0).normal(size=(6, 1, 60)))
    before = {name: tensor.clone() for name, tensor in trained.encoder_.state_dict().items()}
    cold = RepresentationAnomalyDetector(trained, CONTEXT, prefit=True).fit(WAVE[:TRAIN])
    assert cold.encoder_ is trained
    assert all((before[name] == tensor).all() for name, tensor in trained.encoder_.state_dict().items())
    assert cold.predict(SPIKED)[450] == 1
    warm = detector().fit(WAVE[:TRAIN])
    assert warm.encoder_ is not warm.encoder and not hasattr(warm.encoder, "encoder_")


# What it takes


def test_missing_timestamps_are_put_in_and_results_stay_with_their_rows(fitted):
    index = pd.date_range("2026-01-01", periods=520, freq="5min")
    there = np.ones(520, dtype=bool)
    there[[100, 101, 200, 440]] = False
    gappy = pd.Series(np.where(there, SPIKED, np.nan), index=index)
    dropped = gappy[there]
    for method in ("decision_function", "predict"):
        of = getattr(fitted["hidden"], method)
        np.testing.assert_array_equal(of(dropped), of(gappy)[there])
        np.testing.assert_array_equal(of(gappy), of(gappy.to_numpy()))
    assert fitted["hidden"].predict(dropped)[np.flatnonzero(there) == 450] == [1]
    assert not fitted["hidden"].predict(gappy)[~there].any()
    median = fitted["hidden"].series_[""].median_score
    np.testing.assert_array_equal(fitted["hidden"].decision_function(gappy)[~there], median)


def test_training_with_gaps():
    gappy = np.where(STEPS % 37 == 5, np.nan, WAVE)
    for score in SCORES:
        found = detector(score).fit(gappy[:TRAIN])
        assert np.isfinite(found.threshold_)
        assert np.isfinite(found.decision_function(np.where(STEPS == 450, 3.0, gappy))).all()


def test_a_gap_longer_than_an_encoder_looks():
    series = np.tile(WAVE, 20)[: STRETCH + 600]
    series[40 : STRETCH + 300] = np.nan
    scores = (
        RepresentationAnomalyDetector(encoder(max_steps=0), 5, moving_average=0)
        .fit(series)
        .decision_function(series)
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    "make", [list, np.array, pd.Series, lambda x: pd.DataFrame({"load": x}), lambda x: x[:, None]]
)
def test_containers(fitted, make):
    found = fitted["hidden"].decision_function(make(SPIKED))
    np.testing.assert_array_equal(found, fitted["hidden"].decision_function(SPIKED))


def test_a_file(fitted, tmp_path):
    index = pd.date_range("2026-01-01", periods=520, freq="h")
    pd.DataFrame({"load": SPIKED}, index).rename_axis("time").to_csv(tmp_path / "load.csv")
    pd.DataFrame({"load": SPIKED}, index)[:420].rename_axis("time").to_csv(tmp_path / "before.csv")
    scores = fitted["hidden"].decision_function(tmp_path / "load.csv")
    np.testing.assert_array_equal(scores, fitted["hidden"].decision_function(SPIKED))
    after = pd.DataFrame({"load": SPIKED}, index)[420:]
    later = fitted["hidden"].decision_function(after, history=tmp_path / "before.csv")
    np.testing.assert_allclose(later, scores[420:], rtol=1e-3, atol=1e-4)
    assert len(fitted["hidden"].plot(tmp_path / "load.csv").axes) == 2


def test_history_in_pandas(fitted):
    series = pd.Series(SPIKED, index=pd.date_range("2026-01-01", periods=520, freq="h"))
    later = fitted["hidden"].decision_function(series[420:], history=series[:420])
    np.testing.assert_allclose(later, fitted["hidden"].decision_function(SPIKED)[420:], rtol=1e-3, atol=1e-4)
    with pytest.raises(TypeError, match="history is a ndarray; wanted a Series"):
        fitted["hidden"].predict(series, history=SPIKED)


def test_many_series_in_a_long_table():
    times = pd.date_range("2026-01-01", periods=520, freq="h")
    calm = pd.DataFrame({"unique_id": "calm", "ds": times, "y": 100 + 7 * WAVE})
    spiked = pd.DataFrame({"unique_id": "spiked", "ds": times, "y": 5 * SPIKED})
    both = pd.concat([calm, spiked[:480]]).sort_values(["ds", "unique_id"])  # rows of the two in turn
    train = both[both["ds"] < times[TRAIN]]
    found = detector().fit(train)
    assert set(found.threshold_) == {"calm", "spiked"}
    alarms = both.assign(alarm=found.predict(both))
    assert alarms.loc[alarms["alarm"] == 1].query("ds >= @times[400]")[
        ["unique_id", "ds"]
    ].to_numpy().tolist() == [["spiked", times[450]]]
    alone = detector().fit(train)  # the score of a series does not depend on the others in X
    np.testing.assert_array_equal(
        alone.decision_function(both[both["unique_id"] == "spiked"]),
        found.decision_function(both)[(both["unique_id"] == "spiked").to_numpy()],
    )
    with pytest.raises(
        ValueError, match="X has the series 'new'; the detector was fitted on the series 'calm'"
    ):
        found.predict(calm.assign(unique_id="new"))
    assert found.online(series="spiked", history=5 * SPIKED[:450]).update(5 * SPIKED[450]).alarm


def test_nothing_is_written_to(fitted):
    series, history = SPIKED.copy(), WAVE.copy()
    fitted["scales"].predict(series, history=history)
    np.testing.assert_array_equal(series, SPIKED)
    np.testing.assert_array_equal(history, WAVE)


def test_scikit_learns_conventions(fitted):
    copy = clone(detector("nearest", level=3.0))
    assert copy.get_params()["level"] == 3.0 and copy.get_params()["encoder__n_components"] == 12
    assert "RepresentationAnomalyDetector" in repr(copy)
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        copy.predict(WAVE)


# On disk and on paper


@pytest.mark.parametrize("score", SCORES)
def test_a_saved_detector_gives_the_same(fitted, score, tmp_path):
    fitted[score].save(tmp_path / "detector")
    again = load(tmp_path / "detector")
    assert type(again) is RepresentationAnomalyDetector and again.score == score
    np.testing.assert_array_equal(again.decision_function(SPIKED), fitted[score].decision_function(SPIKED))
    assert again.threshold_ == fitted[score].threshold_
    again.save(tmp_path / "detector")
    np.testing.assert_array_equal(load(tmp_path / "detector").predict(SPIKED), again.predict(SPIKED))


def test_a_damaged_detector_is_one_error(fitted, tmp_path):
    from tsrep.train.checkpoint import ModelFileError

    fitted["nearest"].save(tmp_path / "d")
    file = tmp_path / "d" / "detector.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match="detector.safetensors is damaged"):
        load(tmp_path / "d")


def test_plot(fitted, tmp_path):
    series = pd.Series(SPIKED, index=pd.date_range("2026-01-01", periods=520, freq="h"))
    figure = fitted["hidden"].plot(
        series[400:], history=series[:400], labels=STEPS[400:] == 450, title="load"
    )
    above, below = figure.axes
    assert above.get_title(loc="left") == "load"
    assert "1 alarms" in [text.get_text() for text in figure.legends[0].get_texts()]
    figure.savefig(tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"lengths \[119, 120\]"):
        fitted["hidden"].plot(series[400:], labels=np.zeros(119))


# What it refuses


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"score": "paper"}, ValueError, r"score is 'paper'; wanted one of \['hidden', 'scales'"),
        ({"threshold": "high"}, ValueError, r"threshold is 'high'; wanted one of \['deviation'"),
        ({"context": 0}, ValueError, "context is 0; wanted an integer of at least 1"),
        ({"delay": -1}, ValueError, "delay is -1"),
        ({"look_ahead": -1}, ValueError, "look_ahead is -1; wanted an integer of at least 0"),
        ({"look_ahead": (0, -2)}, ValueError, r"look_ahead is \(0, -2\); wanted an integer of at least 0"),
        ({"look_ahead": ()}, ValueError, r"look_ahead is \(\); wanted an integer"),
        ({"moving_average": "long"}, ValueError, "moving_average is 'long'; wanted 'auto' or"),
        (
            {"threshold": "quantile", "level": 4},
            ValueError,
            "level is 4; wanted a number from 0 to 1, or None, with threshold='quantile'",
        ),
        (
            {"threshold": "budget", "level": -4},
            ValueError,
            "level is -4; wanted a number of at least 0, or None, with threshold='budget'",
        ),
        (
            {"encoder": "ts2vec"},
            TypeError,
            "encoder is 'ts2vec'; wanted an object with fit and encode_causal",
        ),
    ],
)
def test_parameters_out_of_range(changes, error, words):
    with pytest.raises(error, match=words):
        RepresentationAnomalyDetector(**{"encoder": Lag(), **changes}).fit(WAVE)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.ones((2, 3, 4)), r"X has shape \(2, 3, 4\); wanted one long series"),
        (np.array([]), r"X has shape \(0, 1\); wanted at least one step"),
        (np.append(WAVE, np.inf), "X is infinite at step 520"),
        (np.full(100, np.nan), "X has no value in the channel 'y'"),
        (WAVE[:20], "X has 20 steps, too few for a threshold; wanted at least 23 known ones"),
        (
            pd.Series(WAVE[:3], index=pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-02"])),
            "repeat a time",
        ),
        (
            pd.DataFrame({"a": ["x"] * 30}, index=pd.date_range("2026-01-01", periods=30)),
            "column 'a' holds text",
        ),
    ],
)
def test_series_that_cannot_be_learned_from(X, words):
    with pytest.raises(ValueError, match=words):
        RepresentationAnomalyDetector(Lag(), score="hidden").fit(X)


def test_series_unlike_those_fitted(fitted):
    with pytest.raises(ValueError, match="X has 2 channels; the detector was fitted with 1"):
        fitted["hidden"].predict(np.ones((50, 2)))
    with pytest.raises(ValueError, match="series is 'x'; the detector was fitted on X"):
        fitted["hidden"].online(series="x")


def test_a_fill_value_in_training_is_told():
    struck = WAVE[:TRAIN].copy()
    struck[30] = 1e20
    with pytest.warns(
        UserWarning, match="X has the value 1e\\+20 in the channel 'y', beside which the others are"
    ):
        RepresentationAnomalyDetector(Lag(), context=5).fit(struck)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RepresentationAnomalyDetector(Lag(), context=5).fit(np.where(struck == 1e20, np.nan, struck))
