"""Figures of image models have what they say."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from tsrep_vision import HOG, MAE, MaskFeat, SimMIM
from tsrep_vision.data import denormalised, draw_shapes, normalised, with_objects
from tsrep_vision.data.shapes import SHAPES
from tsrep_vision.plots import plot_hog, plot_learning_curves, plot_reconstructions, plot_segmentation
from tsrep_vision.plots.hog import draw_glyphs, histograms
from tsrep_vision.plots.reconstructions import COVER, rebuild

SIZES = {"image_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}


@pytest.fixture
def mae() -> MAE:
    torch.manual_seed(0)
    return MAE(**SIZES, decoder_dim=16, decoder_depth=1, decoder_heads=2)


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def pixels_of(figure: Figure, columns: int) -> list[list[np.ndarray]]:
    arrays = [ax.images[0].get_array() for ax in figure.axes]
    return [arrays[first : first + columns] for first in range(0, len(arrays), columns)]


def test_visible_patches_are_shown_as_they_are(mae: MAE, pictures: Tensor) -> None:
    rows = pixels_of(plot_reconstructions(mae, pictures, (0.75, 0.5)), 5)
    assert len(rows) == 3
    for row, image in zip(rows, pictures, strict=True):
        original, masked, rebuilt, *_ = row
        np.testing.assert_allclose(original, image.permute(1, 2, 0), atol=1e-5)
        covered = (masked == COVER).all(-1)
        assert covered.mean() == 0.75
        assert np.array_equal(rebuilt[~covered], original[~covered])
        assert not np.array_equal(rebuilt[covered], original[covered])
        assert (covered | ~(row[3] == COVER).all(-1)).all()  # visible at 75 %: so at 50 %


@pytest.mark.parametrize("kind", ["mae", "maskfeat"])
def test_other_types_of_images_and_weights(mae: MAE, pictures: Tensor, kind: str) -> None:
    model = mae if kind == "mae" else MaskFeat(**SIZES)
    plot = plot_reconstructions if kind == "mae" else plot_hog
    model.encoder.eval()
    modes = [layer.training for layer in model.modules()]
    plot(model, pictures.double())
    plot(model.bfloat16(), pictures)
    assert [layer.training for layer in model.modules()] == modes


def test_titles_and_seeds(mae: MAE, pictures: Tensor) -> None:
    one, same, other = (plot_reconstructions(mae, pictures, (0.5,), seed) for seed in (0, 0, 1))
    assert [ax.get_title() for ax in one.axes[:3]] == ["original", "50% hidden", "rebuilt"]
    masked = [figure.axes[1].images[0].get_array() for figure in (one, same, other)]
    assert np.array_equal(masked[0], masked[1]) and not np.array_equal(masked[0], masked[2])


@pytest.mark.parametrize("normalise", [False, True])
def test_a_perfect_model_rebuilds_the_image(mae: MAE, pictures: Tensor, normalise: bool) -> None:
    mae.normalise_target = normalise
    images = normalised(pictures)
    truth = mae.target(images)
    mae.decoder.forward = lambda latent, restore: truth  # type: ignore[method-assign]
    hidden, rebuilt = rebuild(mae, images, 0.75, seed=0)
    assert hidden.float().mean() == 0.75
    torch.testing.assert_close(denormalised(rebuilt), pictures, atol=1e-5, rtol=0)


def test_simmim_is_drawn_at_any_ratio_and_left_as_it_was(pictures: Tensor) -> None:
    model = SimMIM(backbone="vit", **SIZES).train()
    rows = pixels_of(
        plot_reconstructions(model, [image[:1].expand(3, -1, -1) for image in pictures], (0.25,)), 3
    )
    assert (rows[0][1] == COVER).all(-1).mean() == 0.25
    assert model.training


def test_images_of_other_sizes_and_types(mae: MAE) -> None:
    images = [torch.randint(256, (3, 40, 64), dtype=torch.uint8) for _ in range(10)]
    figure = plot_reconstructions(mae, images, (0.5,))
    assert len(figure.axes) == 8 * 3
    assert figure.axes[0].images[0].get_array().shape == (32, 32, 3)


def test_glyphs_run_along_edges() -> None:
    ramp = torch.arange(16.0).expand(1, 3, 16, 16)  # brighter to the right: edges run from top to bottom
    figure = Figure()
    for image, upright in ((ramp, True), (ramp.transpose(2, 3), False)):
        maps = HOG(cell=8)(image).mean(1)[0].numpy()
        ax = figure.add_subplot()
        draw_glyphs(ax, maps, np.ones((2, 2), dtype=bool), "black")
        [lines] = ax.collections
        for (x0, y0), (x1, y1) in lines.get_segments():
            assert (abs(y1 - y0) > 4 * abs(x1 - x0)) == upright


def test_histograms_of_a_perfect_model_are_the_true_ones(pictures: Tensor) -> None:
    torch.manual_seed(0)
    model = MaskFeat(**SIZES, hog=HOG(cell=4))
    images = normalised(pictures)
    truth = model.target(images)
    torch.testing.assert_close(model.target.as_maps(truth, 3), model.target.hog(images))
    model.head.forward = lambda latent: truth  # type: ignore[method-assign]
    hidden, predicted, true = histograms(model, images, seed=0)
    assert hidden.shape == (3, 8, 8) and hidden[0].sum() == 4 * 6
    torch.testing.assert_close(predicted, true)
    figure = plot_hog(model, pictures)
    assert len(figure.axes) == 12
    assert [len(ax.collections) for ax in figure.axes[:4]] == [0, 0, 1, 2]
    everywhere, visible, predicted_there = (
        len(lines.get_segments()) for ax in figure.axes[2:4] for lines in ax.collections
    )
    assert everywhere == visible + predicted_there


def test_objects_of_a_low_score_are_left_out() -> None:
    images, targets = draw_shapes(2, 64)
    figure = plot_segmentation(images, targets, classes=SHAPES)
    assert [len(ax.patches) for ax in figure.axes] == [len(target["labels"]) for target in targets]
    said = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(said) == sorted(SHAPES[label] for label in targets[0]["labels"])
    left, top, right, _ = targets[0]["boxes"][0].tolist()
    drawn = figure.axes[0].patches[-1]  # the first object is drawn last
    assert (*drawn.get_xy(), drawn.get_width()) == (left - 0.5, top - 0.5, right - left)
    found = {**targets[0], "scores": torch.tensor([0.9, 0.4]), "masks": targets[0]["masks"][:, None].float()}
    [ax] = plot_segmentation(images[:1], [found], threshold=0.5).axes
    assert [text.get_text() for text in ax.texts] == [f"{int(targets[0]['labels'][0])} 0.90"]
    tinted = (ax.images[0].get_array() != images[0].permute(1, 2, 0).numpy()).any(-1)
    assert np.array_equal(tinted, targets[0]["masks"][0].bool().numpy())


def test_losses_and_scores_have_panels_of_their_own() -> None:
    history = [
        {"step": n, "epoch": 0, "seconds": 0.1, "lr": 0.1, "loss": 2.0, "loss_mask": 1.0} for n in range(40)
    ]
    [ax] = plot_learning_curves(history).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["loss", "mask"]
    for step in (19, 39):
        history[step] |= {"mask_ap50": 0.5}
    losses, scores = plot_learning_curves(history).axes
    assert len(losses.lines) == 4 and list(scores.lines[0].get_xdata()) == [19, 39]
    assert scores.get_ylabel() == "mask ap50"


def test_what_cannot_be_drawn_is_refused(mae: MAE, pictures: Tensor) -> None:
    images, targets = draw_shapes(1, 64)
    with pytest.raises(ValueError, match="model is a MaskFeat; wanted a MAE or SimMIM"):
        plot_reconstructions(MaskFeat(**SIZES), pictures)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="model is a MAE; wanted a MaskFeat with target='hog'"):
        plot_hog(mae, pictures)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="wanted a MaskFeat with target='hog'"):
        plot_hog(MaskFeat(**SIZES, target="pixels"), pictures)
    with pytest.raises(ValueError, match="images is empty; wanted at least one"):
        plot_reconstructions(mae, [])
    with pytest.raises(ValueError, match="ratios is empty"):
        plot_reconstructions(mae, pictures, ())
    with pytest.raises(ValueError, match="mask_ratio is 1.5; wanted a number between 0 and 1"):
        plot_reconstructions(mae, pictures, (1.5,))
    with pytest.raises(ValueError, match="images has torch.float32 values from .*; wanted uint8, or floats"):
        plot_reconstructions(mae, pictures * 255)
    with pytest.raises(ValueError, match="images has 1 images and found 0"):
        plot_segmentation(images, [])
    with pytest.raises(
        ValueError, match=r"found\[0\]\['masks'\] has \(64, 64\) pixels; its image has \(32, 64\)"
    ):
        plot_segmentation([images[0][:, :32]], targets)
    with pytest.raises(ValueError, match="history has 0 records and no loss"):
        plot_learning_curves([])


def test_names_of_classes_are_never_read_letter_by_letter() -> None:
    objects = {
        "boxes": torch.tensor([[1.0, 1, 5, 5]]),
        "labels": torch.tensor([1]),
        "masks": torch.zeros(1, 8, 8),
    }
    images = [torch.zeros(3, 8, 8)]
    for call in (plot_segmentation, with_objects):
        with pytest.raises(ValueError, match="classes is 'cat'; wanted a list of names"):
            call(images, [objects], classes="cat")
