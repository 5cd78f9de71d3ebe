"""RepresentationClassifier with small encoders made with scikit-learn, the probes' protocol, and saved classifiers."""

import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from tsrep import TS2Vec, load
from tsrep.tasks import RepresentationClassifier, probes
from tsrep.tasks.classify import PROBE_OF_RECIPE
from tsrep.tasks.probes import PROBES, choose_probe, fit_svm, subsample
from tsrep.tasks.saved_probe import probe_from_tensor, probe_to_tensor
from tsrep.train.checkpoint import ModelFileError, read_folder, write_folder


class Moments(TransformerMixin, BaseEstimator):
    """Mean, deviation and step size of each channel of a 3-D panel; remembers how many instances trained it."""

    def fit(self, X, y=None):
        assert y is None
        self.seen_ = len(X)
        return self

    def transform(self, X):
        return np.concatenate(
            [X.mean(axis=2), X.std(axis=2), np.abs(np.diff(X, axis=2)).mean(axis=2)], axis=1
        )


def waves(n=60, classes=3, seed=0):
    """Sines whose frequency is the class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    steps = np.linspace(0, 2 * np.pi, 40)
    phase = rng.uniform(0, 6, (n, 1, 1))
    X = np.sin((y[:, None, None] + 1) * steps + phase) + 0.1 * rng.normal(size=(n, 2, 40))
    return X, y


@pytest.mark.parametrize("probe", [*PROBES, "auto"])
@pytest.mark.parametrize("classes", [2, 3])
def test_learns_and_probabilities_agree_with_predict(probe, classes):
    X, y = waves(classes=classes)
    Xt, yt = waves(classes=classes, seed=1)
    names = np.array(["slow", "medium", "fast"])
    classifier = RepresentationClassifier(Moments(), probe=probe).fit(X, names[y])
    assert classifier.score(Xt, names[yt]) > 0.8
    p = classifier.predict_proba(Xt)
    assert p.shape == (60, classes) and np.allclose(p.sum(axis=1), 1) and p.min() >= 0
    assert np.array_equal(classifier.classes_[p.argmax(axis=1)], classifier.predict(Xt))
    assert classifier.classes_.tolist() == sorted(names[:classes])


def test_probabilities_agree_with_predict_where_votes_tie():
    """One-vs-one votes tie on noise; then decision values and predictions may name different classes."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(80, 2, 12)), rng.integers(0, 5, 80)
    Xt = rng.normal(size=(300, 2, 12))
    classifier = RepresentationClassifier(Moments()).fit(X, y)
    p = classifier.predict_proba(Xt)
    assert np.array_equal(classifier.classes_[p.argmax(axis=1)], classifier.predict(Xt))


def test_probabilities_of_noise_are_not_confident():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 1, 20)), np.arange(100) % 2
    p = (
        RepresentationClassifier(Moments(), probe="ridge")
        .fit(X, y)
        .predict_proba(rng.normal(size=(100, 1, 20)))
    )
    assert p.max(axis=1).mean() < 0.65


def test_decision_function_is_the_probes_own_and_1nn_has_none():
    X, y = waves()
    classifier = RepresentationClassifier(Moments()).fit(X, y)
    assert np.array_equal(
        classifier.decision_function(X), classifier.probe_.decision_function(Moments().transform(X))
    )
    assert not hasattr(RepresentationClassifier(Moments(), probe="knn").fit(X, y), "decision_function")


def test_unlabelled_instances_train_the_encoder_only():
    X, y = waves()
    partly = np.where(np.arange(60) < 30, y, -1)
    classifier = RepresentationClassifier(Moments(), probe="knn").fit(X, partly)
    assert classifier.encoder_.seen_ == 60
    assert classifier.classes_.tolist() == [0, 1, 2]
    known = RepresentationClassifier(Moments().fit(X), probe="knn", prefit=True).fit(X[:30], y[:30])
    assert np.array_equal(classifier.predict(X), known.predict(X))


def test_labels_called_minus_one_are_refused_with_the_reason():
    X, _ = waves()
    with pytest.raises(ValueError, match="rename classes called -1"):
        RepresentationClassifier(Moments()).fit(X, np.where(np.arange(60) % 2, 1, -1))
    assert set(
        RepresentationClassifier(Moments()).fit(X, np.where(np.arange(60) % 2, "1", "-1")).classes_
    ) == {"-1", "1"}


def test_encoder_is_cloned_unless_prefit():
    X, y = waves()
    encoder = Moments()
    assert not hasattr(RepresentationClassifier(encoder).fit(X, y).encoder, "seen_")
    encoder.fit(X[:7])
    prefit = RepresentationClassifier(encoder, prefit=True).fit(X, y)
    assert prefit.encoder_ is encoder and encoder.seen_ == 7


def test_clone_grid_search_pipeline_and_pickle():
    X, y = waves()
    flat = X[:, 0]
    search = GridSearchCV(
        RepresentationClassifier(PCA(4)), {"probe": ["knn", "ridge"], "encoder__n_components": [2, 8]}, cv=3
    )
    assert search.fit(flat, y).best_score_ > 0.5
    frozen = RepresentationClassifier(FrozenEstimator(Moments().fit(X)), probe="ridge")
    assert (
        GridSearchCV(frozen, {"probe": ["svm", "knn"]}, cv=3).fit(X, y).best_estimator_.encoder_.seen_ == 60
    )
    assert clone(RepresentationClassifier(Moments(), probe="auto")).probe == "auto"
    piped = make_pipeline(RepresentationClassifier(Moments())).fit(X, y)
    assert np.array_equal(pickle.loads(pickle.dumps(piped)).predict(X), piped.predict(X))


def test_what_cannot_be_fitted_is_named():
    X, y = waves()
    with pytest.raises(ValueError, match="probe is 'forest'"):
        RepresentationClassifier(Moments(), probe="forest").fit(X, y)
    with pytest.raises(TypeError, match="encoder is None"):
        RepresentationClassifier(None).fit(X, y)
    with pytest.raises(ValueError, match="60 instances and y has 59"):
        RepresentationClassifier(Moments()).fit(X, y[:-1])
    with pytest.raises(ValueError, match="the target y is None"):
        RepresentationClassifier(Moments()).fit(X, None)
    with pytest.raises(NotFittedError):
        RepresentationClassifier(Moments()).predict(X)
    with pytest.raises(ValueError, match="shape"):
        RepresentationClassifier(Moments()).fit(X, np.eye(60))


@pytest.mark.parametrize(
    ("n", "classes", "searches"), [(49, 2, False), (50, 2, True), (60, 12, True), (59, 12, False)]
)
def test_svm_rule_for_small_sets(monkeypatch, n, classes, searches):
    """Fewer than 50 instances, or fewer than five a class: C is infinite and nothing is searched."""
    searched = []
    fit = GridSearchCV.fit
    monkeypatch.setattr(
        GridSearchCV, "fit", lambda self, *a, **k: searched.append(self) or fit(self, *a, **k)
    )
    rng = np.random.default_rng(0)
    probe = fit_svm(rng.normal(size=(n, 3)), np.arange(n) % classes)
    assert isinstance(probe, SVC) and probe.gamma == "scale" and probe.kernel == "rbf"
    assert bool(searched) == searches
    if searches:
        assert (
            searched[0].param_grid["C"] == [10.0**k for k in range(-4, 5)] + [np.inf] and searched[0].cv == 5
        )
        assert probe.max_iter == 10_000_000
    else:
        assert np.inf == probe.C


def test_svm_does_not_scale_its_features():
    """A feature far smaller than the others must not matter, as without a scaler it cannot."""
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    Z = np.column_stack([rng.normal(size=(40, 3)), 1e-9 * y])
    assert np.array_equal(fit_svm(Z, y).predict(Z * [1, 1, 1, 0]), fit_svm(Z, y).predict(Z))


def test_svm_ends_where_equal_rows_have_different_classes(monkeypatch):
    monkeypatch.setattr(probes, "SVM_ITERATIONS", 1000)
    Z = np.random.default_rng(0).normal(size=(12, 3))
    Z[:6] = Z[0]
    with pytest.warns(ConvergenceWarning):
        fit_svm(Z, np.arange(12) % 2)


@pytest.mark.parametrize("probe", [*PROBES, "auto"])
def test_a_class_with_one_member_is_no_obstacle(probe):
    X, y = waves(80, 2)
    y = np.where(np.arange(80) == 5, 7, y)
    classifier = RepresentationClassifier(Moments(), probe=probe).fit(X, y)
    assert classifier.predict_proba(X).shape == (80, 3)


def test_subsample_keeps_proportions_and_single_members():
    y = np.repeat([0, 1, 2], [600, 399, 1])
    Z, kept = subsample(np.arange(1000)[:, None], y, 101)
    assert np.bincount(kept).tolist() == [60, 40, 1]
    assert np.array_equal(y[Z[:, 0]], kept)
    again, _ = subsample(np.arange(1000)[:, None], y, 101)
    assert np.array_equal(again, Z)


def test_auto_takes_the_probe_that_fits_the_data():
    """Two rings: nothing linear can tell them apart."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    angle = rng.uniform(0, 2 * np.pi, 120)
    Z = (1 + 2 * y[:, None]) * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.1 * rng.normal(
        size=(120, 2)
    )
    name, accuracies = choose_probe(Z, y)
    assert name in ("svm", "knn") and accuracies[name] > 0.95
    assert accuracies["ridge"] < 0.8 and accuracies["logistic"] < 0.8
    assert choose_probe(Z[:3], np.arange(3)) == ("svm", {})


def test_scikit_learns_own_checks():
    """All but those that speak of NaN (the encoder's business) and of a class called -1."""
    results = check_estimator(RepresentationClassifier(StandardScaler(), probe="logistic"), on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert failed <= {"check_estimators_pickle", "check_classifiers_classes"}
    assert len(results) > 40


def test_instances_are_counted_by_the_encoder_where_rows_are_steps():
    """sktime's pd-multiindex has a row a time step; only the encoder knows how many instances that makes."""
    X, y = waves(12, 2)
    index = pd.MultiIndex.from_product([range(12), range(40)])
    long = pd.DataFrame(X.transpose(0, 2, 1).reshape(-1, 2), index=index)
    classifier = RepresentationClassifier(MomentsOfLongTable(), probe="knn")
    assert classifier.fit(long, y).predict(long).tolist() == y.tolist()
    with pytest.raises(ValueError, match="12 instances and y has 11"):
        classifier.fit(long, y[:-1])


class MomentsOfLongTable(Moments):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.column_stack([X.groupby(level=0).mean(), X.groupby(level=0).std()])


# What a recipe decides


def test_the_recipe_decides_a_probe_that_is_none():
    X, y = waves()
    for recipe in ("paper", "best"):
        classifier = RepresentationClassifier(Moments(), recipe=recipe).fit(X, y)
        assert classifier.probe_name_ == PROBE_OF_RECIPE[recipe] == "svm"
    assert RepresentationClassifier(Moments(), probe="knn", recipe="paper").fit(X, y).probe_name_ == "knn"
    with pytest.raises(ValueError, match=r"recipe is 'good'; wanted one of \['best', 'paper'\]"):
        RepresentationClassifier(Moments(), recipe="good").fit(X, y)


def test_nothing_is_left_of_another_probe():
    X, y = waves()
    classifier = RepresentationClassifier(Moments(), probe="auto").fit(X, y)
    classifier.set_params(probe="logistic").fit(X, y)
    assert not hasattr(classifier, "probe_accuracies_") and not hasattr(classifier, "temperature_")


# On disk


@pytest.fixture(scope="module")
def encoder():
    return TS2Vec(n_components=6, hidden_channels=4, depth=2, max_steps=1, random_state=0).fit(waves()[0])


@pytest.mark.parametrize("probe", [*PROBES, "auto", None])
@pytest.mark.parametrize("classes", [2, 3])
def test_saved_and_loaded_it_predicts_the_same(encoder, probe, classes, tmp_path):
    X, y = waves(80, classes)
    Xt, _ = waves(30, classes, seed=1)
    for labels in (y, np.array(["slow", "medium", "fast"])[y], np.array(["a", "b", "c"], dtype=object)[y]):
        fitted = RepresentationClassifier(encoder, probe=probe, prefit=True).fit(X, labels)
        fitted.save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert type(again) is RepresentationClassifier and again.classes_.dtype == fitted.classes_.dtype
        np.testing.assert_array_equal(again.predict_proba(Xt), fitted.predict_proba(Xt))
        np.testing.assert_array_equal(again.predict(Xt), fitted.predict(Xt))
        assert hasattr(again, "decision_function") is hasattr(fitted, "decision_function")
        for name in ("probe", "prefit", "recipe", "probe_name_", "n_features_in_"):
            assert getattr(again, name) == getattr(fitted, name)
        if probe == "auto":
            assert again.probe_accuracies_ == fitted.probe_accuracies_
        again.save(tmp_path / "again")
        np.testing.assert_array_equal(load(tmp_path / "again").predict_proba(Xt), fitted.predict_proba(Xt))


def test_a_loaded_classifier_can_be_fitted_again(encoder, tmp_path):
    X, y = waves(60)
    RepresentationClassifier(encoder, probe="svm", prefit=True).fit(X, y).save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.fit(X, y).predict(X), load(tmp_path / "model").predict(X))


def test_a_large_space_and_single_members_are_saved_too(tmp_path):
    """Brute-force neighbours above 15 features, and a class that one-vs-rest sees once."""
    rng = np.random.default_rng(0)
    Z, y = rng.normal(size=(80, 40)).astype(np.float32), np.append(np.arange(79) % 2, 7)
    for fit in PROBES.values():
        probe = fit(Z, y)
        np.testing.assert_array_equal(
            probe_from_tensor(probe_to_tensor(probe, y))[0].predict(Z), probe.predict(Z)
        )


def test_an_encoder_of_another_package_is_not_saved(tmp_path):
    X, y = waves()
    with pytest.raises(TypeError, match="encoder_ is a Moments, which cannot be saved"):
        RepresentationClassifier(Moments(), probe="knn").fit(X, y).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def with_type(payload, module, name):
    """A skops file in which the SVM is said to be of another type."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(payload)) as old, zipfile.ZipFile(changed, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            if item == "schema.json":
                content = content.replace(b'"SVC"', json.dumps(name).encode())
                content = content.replace(b'"sklearn.svm._classes"', json.dumps(module).encode())
            new.writestr(item, content)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("numpy", "load"),
        ("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
        ("tests.tasks.test_classify", "Moments"),
    ],
)
def test_a_probe_of_any_other_type_is_refused(encoder, module, name, tmp_path):
    """The checksums are right: somebody wrote the folder so."""
    X, y = waves()
    RepresentationClassifier(encoder, probe="svm", prefit=True).fit(X, y).save(tmp_path / "model")
    config, tensors = read_folder(tmp_path / "model")
    payload = with_type(tensors["probe"]["skops"].numpy().tobytes(), module, name)
    tensors["probe"]["skops"] = torch.frombuffer(bytearray(payload), dtype=torch.uint8)
    config.pop("sha256")
    write_folder(tmp_path / "model", config, tensors)
    with pytest.raises(ModelFileError, match=f"the probe asks for {module}.{name}; no probe is made of that"):
        load(tmp_path / "model")


def test_a_probe_that_is_damaged_is_one_error(encoder, tmp_path):
    X, y = waves()
    RepresentationClassifier(encoder, probe="ridge", prefit=True).fit(X, y).save(tmp_path / "model")
    config, tensors = read_folder(tmp_path / "model")
    config.pop("sha256")
    tensors["probe"]["skops"] = tensors["probe"]["skops"][100:200]
    write_folder(tmp_path / "other", config, tensors)
    with pytest.raises(ModelFileError, match="the probe is not a skops file"):
        load(tmp_path / "other")
    file = tmp_path / "model" / "probe.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match="probe.safetensors is damaged"):
        load(tmp_path / "model")


def test_channels_of_frames_are_put_in_the_order_of_the_fit():
    index = pd.date_range("2026-01-01", periods=30, freq="h")
    random = np.random.default_rng(0)
    frames = [
        pd.DataFrame({"a": random.normal(size=30), "b": 9 * label + random.normal(size=30)}, index)
        for label in np.arange(8) % 2
    ]
    encoder = TS2Vec(n_components=8, hidden_channels=8, depth=2, max_steps=2, random_state=0)
    classifier = RepresentationClassifier(encoder, probe="logistic").fit(frames, np.arange(8) % 2)
    swapped = [frame[["b", "a"]] for frame in frames]
    np.testing.assert_array_equal(classifier.predict_proba(swapped), classifier.predict_proba(frames))
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        classifier.predict([frame.rename(columns={"a": "c"}) for frame in frames])
