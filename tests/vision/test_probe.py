"""Linear probes: known answers, the frozen encoder, fractions of the labels, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrep_vision.data import ImageSet, read_images
from tsrep_vision.evaluation import accuracy, features, masked_loss, predict
from tsrep_vision.labels import labelled_fraction
from tsrep_vision.probe import LinearProbe, head_groups, probe

Make = Callable[[str], Any]
Colours = Callable[..., ImageSet]


@pytest.mark.parametrize("kind", ["mae", "simmim", "swin", "maskfeat", "vit"])
def test_colours_are_found_in_random_features(make: Make, colours: Colours, kind: str) -> None:
    classifier, top1, history = probe(make(kind), colours(30), colours(30, seed=1), random_state=0)
    assert top1 == 1.0 and history == [] and classifier.classes == ["0", "1", "2"]


def test_logistic_is_scikit_learns_on_standardised_features(make: Make, colours: Colours) -> None:
    model, images = make("mae"), colours(8)  # too few per class for folds: C is 1
    classifier, _, _ = probe(model, images, random_state=0)
    z, labels = features(model, images)
    reference = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(z, labels)
    shown = predict(classifier, colours(9, seed=2)).scores
    expected = reference.decision_function(features(model, colours(9, seed=2))[0])
    centred = shown - shown.mean(1, keepdims=True)  # scores count up to a constant
    np.testing.assert_allclose(centred, expected - expected.mean(1, keepdims=True), atol=0.02)


def test_two_classes(make: Make) -> None:
    pixels = np.zeros((12, 16, 16), np.uint8)
    pixels[6:] = 200
    images = read_images(pixels + np.arange(12, dtype=np.uint8)[:, None, None] % 5, labels=[0] * 6 + [1] * 6)
    assert probe(make("mae"), images, images, random_state=0).accuracy == 1.0


@pytest.mark.parametrize("method", ["lars", "adamw"])
def test_gradients_move_the_linear_layer_alone(make: Make, colours: Colours, method: str) -> None:
    model, images = make("mae"), colours(30)
    settings = {"method": method, "max_steps": 60, "batch_size": 15, "lr": 10.0 if method == "lars" else 0.1}
    classifier, top1, history = probe(model, images, images, random_state=0, **settings)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"] and top1 == 1.0
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(classifier.encoder.state_dict()[name], value), name
    assert not torch.equal(classifier.norm.running_mean, torch.zeros(32))
    again = probe(model, images, random_state=0, **settings).classifier
    assert torch.equal(again.head.weight, classifier.head.weight)


def test_the_encoder_of_a_probe_stays_in_evaluation_mode(make: Make, colours: Colours) -> None:
    classifier = probe(make("mae"), colours(6), random_state=0).classifier
    network = LinearProbe(classifier).train()
    assert network.classifier.norm.training and not network.classifier.encoder.training
    groups = head_groups(network)
    assert [group["always_adapt"] for group in groups] == [True, False]  # LARS leaves biases as they are
    assert sum(weight.requires_grad for weight in network.parameters()) == 2


def test_a_fraction_of_the_labels(colours: Colours) -> None:
    images = colours(60)
    some = labelled_fraction(images, 0.25, seed=0)
    assert np.bincount(some.labels).tolist() == [5, 5, 5]
    assert (
        some.names
        == labelled_fraction(images, 0.25, seed=0).names
        != labelled_fraction(images, 0.25, seed=1).names
    )
    assert np.bincount(labelled_fraction(images, 0.001, seed=0).labels).tolist() == [1, 1, 1]
    assert labelled_fraction(images, 1, seed=0) is images


def test_classes_are_matched_by_name(make: Make) -> None:
    pixels = np.zeros((12, 16, 16), np.uint8)
    pixels[::2] = 255
    classifier = probe(
        make("mae"), read_images(pixels, labels=["white", "black"] * 6), random_state=0
    ).classifier
    whites = read_images(pixels[::2], labels=["white"] * 6)
    assert accuracy(classifier, whites) == 1.0 and set(predict(classifier, whites).expected) == {1}
    with pytest.raises(ValueError, match="images has the class 'red'; wanted some of black, white"):
        accuracy(classifier, read_images(pixels, labels=["red"] * 12))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "svm"}, "method is 'svm'; wanted one of"),
        ({"label_fraction": 0.0}, "label_fraction is 0.0; wanted a number above 0 to 1"),
        ({"pool": "max"}, "pool is 'max'; wanted one of 'mean', 'class'"),
        ({"random_state": 1.5}, "random_state is 1.5; wanted an integer from 0 to"),
        ({"random_state": 2**63}, "random_state is 9223372036854775808; wanted an integer from 0 to"),
        ({"lr": 0.1}, "lr is 0.1; wanted None with method 'logistic'"),
        ({"max_steps": 0}, "max_steps is 0; wanted None with method 'logistic'"),
        ({"method": "adamw", "batch_size": 1}, "batch_size is 1; wanted 2 or more images in each batch of 6"),
    ],
)
def test_settings_out_of_range(make: Make, colours: Colours, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probe(make("mae"), colours(6), **options)


def test_what_cannot_be_predicted(make: Make, colours: Colours) -> None:
    images = colours(6)
    with pytest.raises(ValueError, match="classifier is a MAE; wanted a Classifier"):
        predict(make("mae"), images)
    for size in (0, -1, 1.5):
        with pytest.raises(ValueError, match=f"batch_size is {size}; wanted an integer of at least 1"):
            features(make("mae"), images, batch_size=size)
    with pytest.raises(ValueError, match="random_state is None; wanted an integer from 0 to"):
        masked_loss(make("mae"), images, random_state=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="images has no labels"):
        accuracy(probe(make("mae"), images, random_state=0).classifier, np.zeros((2, 16, 16, 3)))


def test_arrays_are_read_as_everywhere(make: Make) -> None:
    pixels = np.random.default_rng(0).random((4, 16, 16, 3))
    expected = features(make("mae"), read_images(pixels))[0]
    assert np.array_equal(features(make("mae"), pixels)[0], expected)


def test_what_cannot_be_probed(make: Make, colours: Colours) -> None:
    unlabelled = read_images(np.zeros((4, 16, 16), np.uint8))
    with pytest.raises(ValueError, match="train_images has no labels"):
        probe(make("mae"), unlabelled)
    with pytest.raises(ValueError, match="test_images has no labels"):
        probe(make("mae"), colours(6), unlabelled)
    with pytest.raises(ValueError, match="train_images has one class"):
        probe(make("mae"), read_images(np.zeros((4, 16, 16), np.uint8), labels=[1] * 4))
    with pytest.raises(ValueError, match="pool is 'class'; wanted 'mean' with a Swin"):
        probe(make("swin"), colours(6), pool="class")
    with pytest.raises(ValueError, match="model is a Linear; wanted a ViT, a Swin"):
        probe(torch.nn.Linear(2, 2), colours(6))
