"""Image files of every mode are read as they are seen; folders inside folders; an image file alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tsrep_vision.data import ImageError, read_images
from tsrep_vision.data.read import folders_of

WIDTH, HEIGHT = 12, 10
SIXTEEN_BITS = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
SIDEWAYS = 6  # EXIF: to be turned by a quarter, clockwise


def halves() -> Image.Image:
    """Light above, dark below."""
    pixels = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    pixels[HEIGHT // 2 :] = 0
    return Image.fromarray(pixels)


def read(folder: Path, channels: int = 3) -> torch.Tensor:
    [image] = read_images(folder, channels=channels)
    return image


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA", "CMYK", "YCbCr"])
def test_modes(tmp_path: Path, mode: str) -> None:
    name = "x.jpg" if mode in ("CMYK", "YCbCr") else "x.png"
    halves().convert(mode).save(tmp_path / name)
    image = read(tmp_path)
    assert image.shape == (3, HEIGHT, WIDTH) and image.dtype == torch.uint8
    assert int(image[:, :3].min()) >= 240 and int(image[:, -3:].max()) <= 20
    assert read(tmp_path, channels=1).shape == (1, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x.png", SIXTEEN_BITS.astype(np.uint16)),
        ("x.tif", SIXTEEN_BITS.astype(np.uint16)),
        ("x.tif", SIXTEEN_BITS.astype(np.int32)),
        ("x.tif", (SIXTEEN_BITS / 65535).astype(np.float32)),
    ],
)
def test_16_bits_and_floats_are_scaled(tmp_path: Path, name: str, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / name)
    expected = SIXTEEN_BITS / 65535 * 255
    for channels in (1, 3):
        image = read(tmp_path, channels)
        np.testing.assert_allclose(image[0], expected, atol=0.51)
        assert len(image) == channels


def test_numbers_of_unknown_range_are_an_error(tmp_path: Path) -> None:
    Image.fromarray(np.full((9, 9), -1.0, dtype=np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(ImageError, match="it has values from -1 to -1; wanted 0 to 1"):
        read(tmp_path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mode", ["RGBA", "P", "P bytes"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    if mode == "RGBA":
        pixels = np.dstack([np.array(halves()), np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)])
        pixels[HEIGHT // 2 :, :, 3] = 0
        Image.fromarray(pixels).save(tmp_path / "x.png")
    else:
        palette = halves().convert("L").point(lambda value: value > 100).convert("P")
        lowest = int(np.array(palette).min())
        transparency = lowest if mode == "P" else bytes([0] * (lowest + 1))
        palette.save(tmp_path / "x.png", transparency=transparency)
    assert int(read(tmp_path)[:, HEIGHT // 2 :].min()) == 255


def with_exif(path: Path, exif: bytes | Image.Exif) -> None:
    halves().save(path, quality=95, exif=exif)


@pytest.mark.parametrize("resize", [None, 8])
def test_a_photograph_is_turned_as_its_camera_was(tmp_path: Path, resize: int | None) -> None:
    exif = Image.Exif()
    exif[274] = SIDEWAYS
    with_exif(tmp_path / "x.jpg", exif)
    [image] = read_images(tmp_path, resize=resize)
    assert image.shape[1] > image.shape[2]  # taller than wide
    assert int(image[:, :, :3].max()) <= 30 and int(image[:, :, -3:].min()) >= 230  # light on the right


def test_damaged_exif_says_nothing(tmp_path: Path) -> None:
    with_exif(tmp_path / "x.jpg", b"Exif\0\0no exif at all")
    assert read(tmp_path).shape == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("names", "split", "classes"),
    [
        (["all/train/cat/1", "all/train/dog/1", "all/test/cat/1"], "train", ["cat", "dog"]),
        (["all/cat/1", "all/dog/1"], None, ["cat", "dog"]),
        (["train/cat/1", "train/dog/1"], None, ["cat", "dog"]),
        (["cat/1", "cat/2"], None, ["cat"]),
        (["cat/a/1", "dog/a/1"], None, ["cat", "dog"]),
        (["größe/ün ï ☃", "猫/1"], None, ["größe", "猫"]),
        (["cat/1", "dog/1", ".ipynb_checkpoints/1"], None, ["cat", "dog"]),
        (["all/1", "all/cat/1"], None, ["all"]),
        (["1", "cat/1"], None, []),
    ],
)
def test_folders_in_folders(tmp_path: Path, names: list[str], split: str | None, classes: list[str]) -> None:
    for name in names:
        file = tmp_path / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        halves().save(file)
    images = read_images(tmp_path, split)
    assert images.classes == classes and (images.labels is None) == (not classes)
    assert (split is None) or folders_of(tmp_path) == {"train", "test"}


def test_one_file_and_endings_in_capitals(tmp_path: Path) -> None:
    for name in ("x.PNG", "y.png"):
        halves().save(tmp_path / name)
    images = read_images(tmp_path / "x.PNG")
    assert images.names == ["x.PNG"] and images.labels is None and images[0].shape == (3, HEIGHT, WIDTH)
    np.savez(tmp_path / "images.npz", images=np.zeros((2, 9, 9), dtype=np.uint8))
    (tmp_path / "images.npz").rename(tmp_path / "images.NPZ")
    assert len(read_images(tmp_path / "images.NPZ")) == 2


def test_tensors_of_other_kinds() -> None:
    values = torch.rand(2, 9, 9)
    expected = read_images(values)[1]
    assert torch.equal(read_images(values.clone().requires_grad_())[1], expected)
    assert read_images(values.to(torch.bfloat16))[1].shape == (3, 9, 9)


def test_an_image_that_is_too_large_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves().save(tmp_path / "x.png")
    Image.new("L", (100, 100)).save(tmp_path / "y.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2 * WIDTH * HEIGHT)
    images = read_images(tmp_path)
    assert images.names == ["x.png"]
    assert "Image size (10000 pixels) exceeds limit" in images.skipped[0].reason
