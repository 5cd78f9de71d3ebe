"""No score and no alarm where there is too little to compare with; the end of training is what came before."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationAnomalyDetector
from tsrep.tasks.anomaly.context import observed_share, required_share
from tsrep.tasks.anomaly.scores import SCORES
from tsrep.tasks.series import ONLY

CONTEXT, TRAIN = 20, 300
random = np.random.default_rng(0)
WAVE = np.sin(np.arange(600) / 5) + 0.05 * random.normal(size=600)
HOURS = pd.date_range("2026-01-01", periods=600, freq="h")
COMPARED = [name for name, score in SCORES.items() if not score.relative]


@pytest.fixture(scope="module")
def fitted():
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=3, max_steps=10, random_state=0)
    encoder.fit(WAVE[None, None, :TRAIN])
    return {
        score: RepresentationAnomalyDetector(encoder, CONTEXT, score=score, prefit=True).fit(WAVE[:TRAIN])
        for score in SCORES
    }


def without_score(detector, scores):
    return scores == detector.series_[ONLY].median_score


@pytest.mark.parametrize("score", COMPARED)
def test_the_beginning_has_no_score_and_no_alarm(fitted, score):
    detector = fitted[score]
    scores, alarms = detector.scores_and_alarms(WAVE[TRAIN:])
    steps = detector.series_[ONLY].score.steps(CONTEXT)
    first = int(np.ceil(0.9 * steps)) - 1
    assert without_score(detector, scores)[:first].all() and not without_score(detector, scores)[first:].any()
    assert not alarms[:first].any()
    assert np.argmax(detector.decision_function(np.append(WAVE[TRAIN:], [9.0] * 2))) >= 300


@pytest.mark.parametrize("score", COMPARED)
def test_after_a_gap_there_is_no_score_until_enough_was_seen(fitted, score):
    series = WAVE[TRAIN:].copy()
    series[100:150] = np.nan
    detector = fitted[score]
    scores, alarms = detector.scores_and_alarms(series, history="training")
    steps = detector.series_[ONLY].score.steps(CONTEXT)
    missing = without_score(detector, scores)
    assert not missing[:100].any()
    assert missing[100:150].all() and missing[150 : 149 + int(0.9 * steps)].all()
    assert not missing[150 + steps :].any()
    assert not alarms[missing].any()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("history", [None, "training"])
def test_a_live_detector_gives_the_same(fitted, score, history):
    series = WAVE[TRAIN:400].copy()
    series[40:70] = np.nan
    series[90] = 4.0
    scores, alarms = fitted[score].scores_and_alarms(series, history=history)
    live = [fitted[score].online(history=history) for _ in range(2)]
    one_by_one = [live[0].update(point) for point in series]
    several = [verdict for few in np.array_split(series, 7) for verdict in live[1].extend(few)]
    for verdicts in (one_by_one, several):
        np.testing.assert_allclose([verdict.score for verdict in verdicts], scores, rtol=1e-3, atol=1e-3)
        assert [verdict.alarm for verdict in verdicts] == alarms.astype(bool).tolist()


@pytest.mark.parametrize("score", SCORES)
def test_dates_that_follow_training_have_it_as_their_history(fitted, score, tmp_path):
    series = pd.Series(WAVE, HOURS)
    detector = RepresentationAnomalyDetector(fitted[score].encoder_, CONTEXT, score=score, prefit=True)
    detector.fit(series[:TRAIN])
    whole = detector.decision_function(series)[TRAIN:]
    detector.save(tmp_path / "detector")
    for each in (detector, load(tmp_path / "detector")):
        np.testing.assert_allclose(each.decision_function(series[TRAIN:]), whole, rtol=1e-4, atol=1e-4)
        later = each.decision_function(series[TRAIN + 1 :])  # a step is left out: nothing is known
        assert not np.allclose(later[:CONTEXT], whole[1 : CONTEXT + 1])
        told = each.decision_function(series[TRAIN + 1 :], history=series[: TRAIN + 1])
        np.testing.assert_allclose(told, whole[1:], rtol=1e-4, atol=1e-4)
    zoned = series.tz_localize("Europe/Berlin")
    np.testing.assert_allclose(
        detector.fit(zoned[:TRAIN]).decision_function(zoned[TRAIN:]), whole, rtol=1e-4, atol=1e-4
    )


def test_each_series_of_a_long_table_has_its_own_history(fitted):
    table = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": HOURS, "y": factor * WAVE})
            for name, factor in (("a", 1), ("b", 7))
        ]
    )
    past, future = table[table["ds"] < HOURS[TRAIN]], table[table["ds"] >= HOURS[TRAIN]]
    detector = RepresentationAnomalyDetector(fitted["nearest"].encoder_, CONTEXT, prefit=True).fit(past)
    scores = detector.decision_function(future).reshape(2, -1)
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-3)
    whole = detector.decision_function(table).reshape(2, -1)[:, TRAIN:]
    np.testing.assert_allclose(scores, whole, rtol=1e-4, atol=1e-4)


def test_gaps_that_training_had_are_no_reason_for_silence(fitted):
    gappy = WAVE.copy()
    gappy[random.random(600) < 0.3] = np.nan
    detector = RepresentationAnomalyDetector(
        fitted["nearest"].encoder_, CONTEXT, score="nearest", prefit=True
    )
    scores = detector.fit(gappy[:TRAIN]).decision_function(gappy[TRAIN:], history="training")
    known = ~np.isnan(gappy[TRAIN:])
    assert without_score(detector, scores)[known].mean() < 0.5
    assert without_score(detector, scores)[~known].all()


def test_a_series_without_any_score_is_said(fitted):
    with pytest.warns(
        UserWarning, match="X has no step with enough observed steps before it.*history='training'"
    ):
        assert not fitted["combined"].predict(WAVE[:10]).any()


def test_a_detector_of_version_0_1_has_no_tail(fitted):
    detector = fitted["nearest"]
    old = detector.series_[ONLY]._replace(tail=None, required_share=0.0)
    before = RepresentationAnomalyDetector(detector.encoder_, CONTEXT, score="nearest", prefit=True)
    vars(before).update({**vars(detector), **vars(before), "series_": {ONLY: old}})
    assert not without_score(before, before.decision_function(WAVE[TRAIN:])).any()
    with pytest.raises(ValueError, match="history is 'training'; wanted the steps themselves"):
        before.predict(WAVE[TRAIN:], history="training")


def test_shares():
    known = np.array([1, 1, 0, 1, 1, 1], bool)
    np.testing.assert_allclose(observed_share(known, 3), [1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    np.testing.assert_array_equal(observed_share(known, 1), known)
    assert required_share(np.ones(50, bool), 10) == 0.9
    assert required_share(np.ones(5, bool), 10) == 0.45


def test_other_steps_than_those_of_training_do_not_follow_it(fitted):
    series = pd.Series(WAVE, HOURS)
    detector = RepresentationAnomalyDetector(
        fitted["nearest"].encoder_, CONTEXT, score="nearest", prefit=True
    )
    detector.fit(series[:TRAIN])
    scores = detector.decision_function(series[TRAIN::2])  # every second hour
    assert without_score(detector, scores)[: CONTEXT // 2].all()
    with pytest.raises(ValueError, match="history is 'training'; wanted X to begin at 2026-01-13"):
        detector.predict(series[:100], history="training")
    assert len(detector.predict(series[TRAIN:], history="training")) == 300


def test_channels_are_known_by_name(fitted, tmp_path):
    frame = pd.DataFrame({"a": WAVE, "b": 100 + np.cos(np.arange(600) / 9)}, HOURS)
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=2, max_steps=3, random_state=0)
    detector = RepresentationAnomalyDetector(encoder, CONTEXT).fit(frame[:TRAIN])
    scores = detector.decision_function(frame[TRAIN:])
    detector.save(tmp_path / "detector")
    for each in (detector, load(tmp_path / "detector")):
        np.testing.assert_array_equal(each.decision_function(frame[["b", "a"]][TRAIN:]), scores)
        with pytest.raises(ValueError, match="unseen at fit time:\n- c\n.*now missing:\n- b"):
            each.predict(frame.rename(columns={"b": "c"})[TRAIN:])
    live = detector.online(history=frame[["b", "a"]][:TRAIN])
    assert live.update(frame.iloc[TRAIN].to_numpy()).score == pytest.approx(scores[0], rel=1e-3)
    detector.predict(frame[TRAIN:].to_numpy(), history="training")  # an array has no names
    single = RepresentationAnomalyDetector(encoder, CONTEXT, score="window").fit(frame[["a"]][:TRAIN])
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        single.predict(frame[["b"]][TRAIN:])
    single.predict(frame["a"].rename(None)[TRAIN:])  # one column by itself is not known by its name


def test_a_parameter_that_changed_since_the_fit_is_said(fitted, tmp_path):
    encoder = fitted["nearest"].encoder_
    detector = RepresentationAnomalyDetector(encoder, CONTEXT, prefit=True).fit(WAVE[:TRAIN])
    for changed in (
        {"score": "hidden"},
        {"recipe": "paper"},
        {"context": 5},
        {"look_ahead": 3},
        {"level": 9.0},
    ):
        (name, value), before = next(iter(changed.items())), detector.get_params()
        detector.set_params(**changed)
        for use in (
            detector.predict,
            detector.decision_function,
            lambda X: detector.save(tmp_path / "model"),
        ):
            with pytest.raises(ValueError, match=f"{name} is {value!r}; wanted .*, as in the fit"):
                use(WAVE[TRAIN:])
        detector.set_params(**{name: before[name]})
    detector.set_params(delay=2).predict(WAVE[TRAIN:])


def test_history_of_one_of_several_live_series(fitted):
    table = pd.concat([pd.DataFrame({"unique_id": name, "ds": HOURS, "y": WAVE}) for name in ("a", "b")])
    detector = RepresentationAnomalyDetector(fitted["nearest"].encoder_, CONTEXT, prefit=True).fit(table)
    live = detector.online(series="b", history=table)
    assert live.update(9.0).alarm


@pytest.mark.parametrize("score", COMPARED)
@pytest.mark.parametrize("moving_average", [1, 5])
def test_steps_of_training_are_no_measure_of_distances_to_training(fitted, score, moving_average):
    """Their distance to the nearest step of training is 0, and a score relative to it anything."""
    detector = RepresentationAnomalyDetector(
        fitted[score].encoder_, CONTEXT, score=score, moving_average=moving_average, prefit=True
    ).fit(WAVE[:TRAIN])
    scores, alarms = detector.scores_and_alarms(WAVE[TRAIN:], history="training")
    live = detector.online(history="training").extend(WAVE[TRAIN:])
    np.testing.assert_allclose([verdict.score for verdict in live], scores, rtol=1e-2, atol=1e-2)
    assert np.abs(scores[: 2 * moving_average]).max() < 20 and alarms[: 2 * moving_average].sum() <= 1


def test_dates_that_follow_training_do_so_in_any_time_zone(fitted):
    series = pd.Series(WAVE, HOURS.tz_localize("Europe/Berlin"))
    detector = RepresentationAnomalyDetector(fitted["nearest"].encoder_, CONTEXT, prefit=True).fit(
        series[:TRAIN]
    )
    scores = detector.decision_function(series[TRAIN:])
    np.testing.assert_array_equal(detector.decision_function(series[TRAIN:].tz_convert("UTC")), scores)
    naive = detector.decision_function(series[TRAIN:].tz_localize(None))
    assert without_score(detector, naive)[: CONTEXT // 2].all()


def test_what_is_not_known_is_said(fitted):
    table = pd.DataFrame({"unique_id": "a", "ds": HOURS, "y": WAVE})
    detector = RepresentationAnomalyDetector(fitted["nearest"].encoder_, CONTEXT, prefit=True).fit(table)
    with pytest.raises(ValueError, match="history has no series 'a'"):
        detector.online(series="a", history=table.assign(unique_id="b"))
    with pytest.raises(
        ValueError, match="X has one series without a name; the detector was fitted on the series 'a'"
    ):
        detector.predict(WAVE)


def test_a_name_that_two_channels_have_is_no_name(fitted):
    frame = pd.DataFrame(np.c_[WAVE, WAVE[::-1]], columns=["a", "a"])
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=2, max_steps=1, random_state=0)
    detector = RepresentationAnomalyDetector(encoder, CONTEXT).fit(frame[:TRAIN])
    assert detector.columns_ is None and len(detector.predict(frame[TRAIN:])) == 300


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("fill", [1e20, 9.97e36, 1e300])
def test_a_fill_value_is_an_alarm_and_does_not_blind_the_detector(fitted, score, fill):
    """Every score of it is finite, and once it has left the context all scores are what they would be without it."""
    plain = WAVE[TRAIN:].copy()
    plain[250] = 9.0
    spoilt = plain.copy()
    spoilt[40] = fill
    detector = fitted[score]
    scores, alarms = detector.scores_and_alarms(spoilt, history="training")
    assert np.isfinite(scores).all() and alarms[40] == 1 and alarms[250] == 1
    reach = 40 + detector.series_[ONLY].score.steps(CONTEXT) + 22
    same = detector.decision_function(plain, history="training")
    if reach < 250:
        np.testing.assert_allclose(scores[reach:], same[reach:], rtol=1e-3, atol=1e-3)
    live = detector.online(history="training").extend(spoilt)
    np.testing.assert_allclose([verdict.score for verdict in live], scores, rtol=1e-2, atol=1e-2)


THREE = np.column_stack([WAVE, np.cos(np.arange(600) / 7), 0.1 * random.normal(size=600)])
NAMED = pd.DataFrame(THREE, HOURS, ["speed", "heat", "load"])


@pytest.fixture(scope="module")
def of_three():
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=3, max_steps=10, random_state=0)
    encoder.fit(THREE[None, :TRAIN].transpose(0, 2, 1))
    return {
        score: RepresentationAnomalyDetector(encoder, CONTEXT, score=score, prefit=True).fit(NAMED[:TRAIN])
        for score in ("hidden", "combined")
    }


@pytest.mark.parametrize("score", ["hidden", "combined"])
@pytest.mark.parametrize("first", [TRAIN, 350])
def test_a_dead_channel_does_not_silence_the_others(of_three, score, first):
    """It is named with its span, and alarms and scores of the rest go on, in a live detector too."""
    detector, new = of_three[score], NAMED[TRAIN:].copy()
    new.loc[HOURS[first] :, "heat"] = np.nan
    new.loc[HOURS[450], "speed"] = 9.0
    with pytest.warns(UserWarning, match=r"'heat' \(\d+ steps from 2026-01-.* to 2026-01-25 23:00:00\)$"):
        scores, alarms = detector.scores_and_alarms(new)
    missing = without_score(detector, scores)
    assert alarms[450 - TRAIN] and alarms.sum() < 15
    assert missing[first - TRAIN] and missing.sum() < CONTEXT / 2
    live = detector.online(history="training")
    with pytest.warns(UserWarning, match="the channel 'heat' has no values: it counts as its training mean"):
        verdicts = live.extend(new.to_numpy()[:100]) + [live.update(row) for row in new.to_numpy()[100:]]
    np.testing.assert_allclose([each.score for each in verdicts], scores, rtol=1e-2, atol=1e-2)
    assert [each.alarm for each in verdicts] == alarms.astype(bool).tolist()


def test_an_empty_column_is_an_error_at_fit_only(of_three, tmp_path):
    empty = NAMED.assign(heat=np.nan)
    for data in (empty, empty.reset_index(drop=True), empty.to_numpy()):
        with pytest.raises(ValueError, match="'heat' holds no value|no value in the channel '(heat|1)'"):
            RepresentationAnomalyDetector(TS2Vec(max_steps=0), CONTEXT).fit(data)
    empty[TRAIN:].to_csv(tmp_path / "new.csv", index_label="time")
    for data in (empty[TRAIN:], tmp_path / "new.csv"):
        with pytest.warns(UserWarning, match="'heat' .298 steps from 2026-01-13 14:00:00 to 2026"):
            scores = of_three["combined"].decision_function(data)
        assert without_score(of_three["combined"], scores).sum() == 2  # a tenth of the context


def test_a_gap_of_all_channels_is_a_gap(of_three):
    gap = NAMED[TRAIN:].copy()
    gap.iloc[100:150] = np.nan
    scores = of_three["combined"].decision_function(gap)  # no warning: no channel is dead
    assert without_score(of_three["combined"], scores)[100:150].all()


def test_live_points_come_in_any_memory_order_and_number(of_three):
    live = of_three["combined"].online()
    assert live.extend(np.empty((0, 3))) == []
    backwards = live.extend(THREE[TRAIN::-1][:50])
    again = of_three["combined"].online().extend(THREE[TRAIN::-1][:50].copy())
    assert [each.score for each in backwards] == [each.score for each in again]


@pytest.mark.parametrize("score", ["hidden", "mahalanobis", "nearest", "pooled", "window", "combined"])
def test_training_scores_are_like_those_of_new_steps(score):
    """No fold is scored by itself, so thresholds of training scores hold for new steps; the rate is told."""
    season = np.sin(np.arange(2400) * np.pi / 12) + np.random.default_rng(1).normal(scale=0.3, size=2400)
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=3, max_steps=5, random_state=0)
    detector = RepresentationAnomalyDetector(encoder, CONTEXT, score=score, threshold="quantile", level=0.95)
    detector.fit(season[:1200])
    scores = detector.decision_function(season[1200:], history="training")
    median = detector.series_[ONLY].median_score
    assert abs(np.median(scores) - median) < 0.2 * np.std(scores)
    share = (scores > detector.threshold_).mean()
    assert 0.05 / 2 < share < 0.05 * 2


def test_the_rate_of_alarms_is_told(fitted, tmp_path):
    encoder = fitted["nearest"].encoder_
    rates = []
    for options in ({}, {"threshold": "budget", "level": 60}, {"threshold": "running"}):
        detector = RepresentationAnomalyDetector(encoder, CONTEXT, prefit=True, **options).fit(WAVE[:TRAIN])
        detector.save(tmp_path / "detector")
        assert load(tmp_path / "detector").alarm_rate_ == pytest.approx(detector.alarm_rate_, nan_ok=True)
        rates.append(detector.alarm_rate_)
    assert rates[0] > 0 and rates[1] == pytest.approx(60) and np.isnan(rates[2])
    rare = RepresentationAnomalyDetector(encoder, CONTEXT, prefit=True, threshold="budget", level=10)
    with pytest.warns(UserWarning, match="X has 2.. training scores, too few for 10 alarms in 10,000 steps"):
        rare.fit(WAVE[:TRAIN])


@pytest.mark.parametrize("change", [lambda x: x + np.arange(300) / 20, lambda x: 5 * x, lambda x: x - 4])
def test_a_series_that_became_another_is_told(fitted, change):
    with pytest.warns(
        UserWarning, match=r"X exceeds the threshold at \d+% of its steps, .* no longer like its"
    ):
        fitted["nearest"].predict(change(WAVE[TRAIN:]), history="training")


@pytest.mark.parametrize("at_once", [1, 7])
def test_a_live_series_that_became_another_is_told_once(fitted, at_once):
    live = fitted["nearest"].online(history="training")
    drifted = np.tile(WAVE[TRAIN:] - 4, 3)
    with pytest.warns(UserWarning) as told:
        for start in range(0, len(drifted), at_once):
            live.extend(drifted[start : start + at_once])
    assert re.match(
        r"\d+% of the latest scores exceed the threshold, .* no longer like", str(told[0].message)
    )
    assert len(told) == 1


def test_a_stretch_of_anomalies_is_not_another_live_series(fitted):
    series = WAVE[TRAIN:].copy()
    series[150:170] += 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert any(verdict.alarm for verdict in fitted["nearest"].online(history="training").extend(series))


def test_a_stretch_of_anomalies_is_not_another_series(fitted):
    series = WAVE[TRAIN:].copy()
    series[150:170] += 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitted["nearest"].predict(series, history="training").any()


@pytest.mark.parametrize(
    "threshold, level", [("quantile", 0.5), ("budget", 2000.0), ("deviation", 0.0), ("running", 0.0)]
)
def test_a_threshold_that_training_exceeds_often_is_no_doubt(fitted, threshold, level):
    detector = RepresentationAnomalyDetector(
        fitted["nearest"].encoder_, CONTEXT, score="nearest", prefit=True, threshold=threshold, level=level
    ).fit(WAVE[:TRAIN])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert detector.predict(WAVE[TRAIN:], history="training").sum() > 5
