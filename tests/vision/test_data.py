"""Reading images from every kind of source, and batches of them."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tsrep.train.loop import fit
from tsrep_vision.data import ImageBatches, ImageError, ObjectBatches, Skipped, read_images, stack


def picture(seed: int, width: int = 20, height: int = 16) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def encoded(image: Image.Image, format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


@pytest.fixture
def files() -> dict[str, bytes]:
    """Six good images of two classes in two splits, and four bad ones."""
    return {
        "train/cat/0.png": encoded(picture(0)),
        "train/cat/1.png": encoded(picture(1).convert("L")),
        "train/dog/0.jpg": encoded(picture(2), "JPEG"),
        "train/dog/1.PNG": encoded(picture(3, 30, 30)),
        "train/dog/broken.png": b"no image",
        "train/dog/cut.png": encoded(picture(4, 64, 64))[:3000],
        "train/dog/empty.jpg": b"",
        "train/dog/tiny.png": encoded(picture(5, 4, 30)),
        "train/dog/notes.txt": b"hello",
        "train/dog/.hidden.png": b"",
        "test/cat/0.png": encoded(picture(6)),
        "test/dog/0.png": encoded(picture(7)),
    }


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path / "images.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path / "images.zip"


@pytest.mark.parametrize("write", [write_folder, write_zip])
def test_folders_and_zip_files(tmp_path: Path, files: dict, write: Callable) -> None:
    source = write(tmp_path, files)
    images = read_images(source, split="train")
    assert images.classes == ["cat", "dog"] and images.labels.tolist() == [0, 0, 1, 1, 1]
    assert images.names == [
        f"train/{n}" for n in ("cat/0.png", "cat/1.png", "dog/0.jpg", "dog/1.PNG", "dog/cut.png")
    ]
    expected = torch.from_numpy(np.array(picture(0))).permute(2, 0, 1)
    assert torch.equal(images[0], expected)
    assert images[1].shape == (3, 16, 20) and torch.equal(images[1][0], images[1][2])
    reasons = {entry.name.rpartition("/")[2]: entry.reason for entry in images.skipped}
    assert sorted(reasons) == ["broken.png", "empty.jpg", "tiny.png"]
    assert reasons["tiny.png"] == "has 4 x 30 pixels; wanted at least 8 per side"
    assert "cannot be decoded" in reasons["broken.png"]
    with pytest.raises(ImageError, match="cannot be decoded: image file is truncated|unrecognized"):
        images[4]
    assert len(read_images(source, split="train", verify=True)) == 4
    grey = read_images(source, split="test", channels=1)
    assert grey[0].shape == (1, 16, 20) and grey[0].dtype == torch.uint8
    assert read_images(source).classes == ["test", "train"]
    again = pickle.loads(pickle.dumps(images))
    assert torch.equal(again[3], images[3])


def test_resize_is_of_the_shorter_side(tmp_path: Path) -> None:
    files = {"a.jpg": encoded(picture(0, 400, 300), "JPEG"), "b.png": encoded(picture(1, 30, 40))}
    images = read_images(write_folder(tmp_path, files), resize=40)
    assert images.labels is None
    assert images[0].shape == (3, 40, 53) and images[1].shape == (3, 40, 30)


def test_arrays(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 10, 12), dtype=np.uint8)
    labels = np.array(["b", "a", "b"])
    np.savez(tmp_path / "a.npz", images=values, labels=labels)
    images = read_images(tmp_path / "a.npz", channels=1)
    assert torch.equal(images[1][0], torch.from_numpy(values[1]))
    assert images.classes == ["a", "b"] and images.labels.tolist() == [1, 0, 1]
    for source in (values[..., None], torch.from_numpy(values), torch.from_numpy(values)[:, None]):
        assert torch.equal(read_images(source, channels=1)[2], images[2])
    floats = torch.from_numpy(values)[:, None].expand(-1, 3, -1, -1) / 255
    assert torch.equal(read_images(floats, labels=labels)[2][1], images[2][0])
    some = images[[2, 0]]
    assert some.names == ["2", "0"] and some.labels.tolist() == [1, 1] and torch.equal(some[0], images[2])
    assert len(images[1:]) == 2


@pytest.mark.parametrize("name", ["cifar10_jpeg_5000_1000.zip", "fashion_mnist_900.npz", "coco_seg_150.zip"])
def test_the_samples(data_root: Path, name: str) -> None:
    path = data_root / "vision" / name
    if name.startswith("coco"):
        pytest.importorskip("pycocotools")
        images = read_images(path, annotations="annotations/instances_val2017.json")
        targets = [images.target(row) for row in range(len(images))]
        assert (len(images), images.skipped) == (50, [])
        assert sum(len(target["boxes"]) for target in targets) == 365
        for row in range(0, 50, 10):
            assert targets[row]["masks"].shape[1:] == images[row].shape[1:]
            area = targets[row]["masks"].flatten(1).sum(1)
            left, top, right, bottom = targets[row]["boxes"].unbind(1)
            assert bool((area <= (right - left + 2) * (bottom - top + 2)).all())
        assert images.classes[0] == "background" and len(images.classes) == 81
        assert len(read_images(path, split="images/val2017")) == 50
    elif name.startswith("cifar"):
        images = read_images(path, split="test")
        assert np.bincount(images.labels).tolist() == [100] * 10 and images[0].shape == (3, 32, 32)
    else:
        images = read_images(path)
        assert np.bincount(images.labels).tolist() == [90] * 10 and images[0].shape == (3, 28, 28)


def coco(tmp_path: Path) -> Path:
    """Two images; a polygon, run lengths, a crowd, a box without an area; an image that is not there."""
    from pycocotools import mask

    block = np.zeros((16, 20), dtype=np.uint8, order="F")
    block[2:6, 3:9] = 1
    runs = mask.encode(block)["counts"].decode()
    text: dict = {
        "images": [
            {"id": 7, "file_name": "a.png", "height": 16, "width": 20},
            {"id": 3, "file_name": "b.png", "height": 16, "width": 20},
            {"id": 4, "file_name": "gone.png", "height": 16, "width": 20},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "car"}],
        "annotations": [
            {"category_id": 2, "bbox": [5, 4, 10, 6], "segmentation": [[5, 4, 15, 4, 15, 10, 5, 10]]},
            {"category_id": 18, "bbox": [3, 2, 6, 4], "segmentation": {"size": [16, 20], "counts": runs}},
            {"category_id": 18, "bbox": [0, 0, 9, 9], "segmentation": [[0, 0, 9, 0, 9, 9]], "iscrowd": 1},
            {"category_id": 18, "bbox": [0, 0, 0, 9], "segmentation": [[0, 0, 9, 0, 9, 9]]},
        ],
    }
    for entry in text["annotations"]:
        entry["image_id"] = 7
    write_folder(tmp_path / "images", {"a.png": encoded(picture(0)), "b.png": encoded(picture(1))})
    (tmp_path / "objects.json").write_text(json.dumps(text))
    return tmp_path


def test_objects(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    root = coco(tmp_path)
    images = read_images(root / "images", annotations=root / "objects.json")
    assert images.names == ["a.png", "b.png"] and images.classes == ["background", "dog", "car"]
    assert [entry.name for entry in images.skipped] == ["gone.png"]
    assert images.annotations.category_ids == [0, 18, 2] and images.annotations.image_ids["a.png"] == 7
    target = images.target(0)
    assert target["labels"].tolist() == [2, 1]
    assert target["boxes"].tolist() == [[5, 4, 15, 10], [3, 2, 9, 6]]
    assert target["masks"].dtype == torch.uint8 and target["masks"].flatten(1).sum(1).tolist() == [60, 24]
    assert bool(target["masks"][0, 4:10, 5:15].all()) and bool(target["masks"][1, 2:6, 3:9].all())
    nothing = images.target(1)
    assert nothing["boxes"].shape == (0, 4) and nothing["masks"].shape == (0, 16, 20)
    [batch] = ObjectBatches(images, 2, seed=0).epoch(0)
    assert sorted(len(target["labels"]) for target in batch.targets) == [0, 2]
    assert float(batch.images[0].max()) <= 1 and batch.images[0].dtype == torch.float32


def test_what_is_refused(tmp_path: Path, files: dict) -> None:
    folder = write_folder(tmp_path / "f", files)
    (tmp_path / "x.zip").write_bytes(b"no zip file")
    (tmp_path / "x.json").write_text("[1]")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "x.npz", pixels=np.zeros(3))
    values = np.zeros((2, 9, 9))
    cases = [
        ((tmp_path / "empty",), {}, "source has no image"),
        ((folder, "valid"), {}, "source has no image in valid/"),
        ((tmp_path / "x.zip",), {}, "x.zip is not a zip file"),
        ((tmp_path / "x.npz",), {}, r"arrays \['pixels'\]; wanted 'images'"),
        ((tmp_path / "x.json",), {}, "neither an image, a folder, nor a .zip or .npz file"),
        ((3,), {}, "source is a int"),
        ((folder,), {"annotations": tmp_path / "x.json"}, "not JSON in COCO's format"),
        ((folder,), {"labels": [1]}, "labels is given"),
        ((folder,), {"channels": 4}, "channels is 4"),
        ((folder,), {"resize": 4}, "resize is 4"),
        ((folder,), {"min_size": 99}, "no image that can be used; the first, test/cat/0.png, has 20 x 16"),
        ((values + 2,), {}, "images has floats from 2 to 2; wanted floats between 0 and 1, or uint8"),
        ((values * np.nan,), {}, "images has NaN; wanted floats"),
        (
            (torch.zeros(2, 9, 12, 3),),
            {},
            r"images has shape \(2, 9, 12, 3\); wanted \(n, C, H, W\) of a tensor",
        ),
        ((values,), {"labels": [0.0, np.nan]}, "labels has NaN; wanted a label for each image"),
        ((values,), {"labels": np.array(["a", None])}, "labels has values of several types"),
        ((values,), {"labels": ["a", np.nan]}, "labels has values of several types"),
        ((values,), {"labels": ("a", 1)}, "labels has values of several types"),
        ((values.astype(int),), {}, "images has type int64"),
        ((values[0],), {}, r"images has shape \(9, 9\)"),
        ((values,), {"labels": [0]}, "labels has 1 entries; wanted one for each of 2 images"),
    ]
    for arguments, options, message in cases:
        with pytest.raises(ValueError, match=message):
            read_images(*arguments, **options)
    with pytest.raises(FileNotFoundError, match="nothing is neither a file nor a folder"):
        read_images(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="no.json is a file neither in the source nor elsewhere"):
        read_images(folder, annotations="no.json")
    with pytest.raises(ValueError, match="images have no annotations"):
        read_images(folder).target(0)


def test_stacked_images_go_on_with_their_border() -> None:
    a, b = torch.arange(6).view(1, 2, 3), torch.arange(4).view(1, 4, 1)
    images, sizes = stack([a, b])
    assert sizes.tolist() == [[2, 3], [4, 1]] and images.shape == (2, 1, 4, 3)
    assert torch.equal(images[0, :, :2], a) and images[0, 0, 3].tolist() == [3, 4, 5]
    assert images[1, 0, :, 2].tolist() == [0, 1, 2, 3]


def numbered(count: int = 10) -> np.ndarray:
    return np.arange(count, dtype=np.uint8)[:, None, None].repeat(9, 1).repeat(9, 2)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_depend_on_seed_and_epoch_alone(workers: int) -> None:
    images = read_images(numbered(), labels=np.arange(10), channels=1)
    batches = ImageBatches(images, 4, seed=3, workers=workers)
    first = [batch.labels.tolist() for batch in batches.epoch(0)]
    assert sorted(sum(first, [])) == list(range(10)) and [len(rows) for rows in first] == [4, 3, 3]
    for batch in batches.epoch(0):
        assert batch.images[:, 0, 0, 0].tolist() == batch.labels.tolist()
    again = ImageBatches(images, 4, seed=3)
    assert [batch.labels.tolist() for batch in again.epoch(0, skip=1)] == first[1:]
    assert list(batches.epoch(0, skip=3)) == []
    assert [batch.labels.tolist() for batch in again.epoch(1)] != first
    assert [batch.labels.tolist() for batch in ImageBatches(images, 4, seed=4).epoch(0)] != first


@pytest.mark.parametrize("workers", [0, 2])
def test_a_damaged_image_is_replaced_and_recorded(tmp_path: Path, workers: int) -> None:
    files = {f"{n}.png": encoded(picture(n, 64, 64)) for n in range(5)}
    files["2.png"] = files["2.png"][:3000]
    images = read_images(write_folder(tmp_path, files))
    assert len(images) == 5 and images.skipped == []
    batches = ImageBatches(images, 3, seed=0, workers=workers)
    sizes = [batch.images.shape[0] for epoch in range(2) for batch in batches.epoch(epoch)]
    assert sizes == [3, 2, 3, 2]
    [entry] = images.skipped
    assert isinstance(entry, Skipped) and entry.name == "2.png" and "cannot be decoded" in entry.reason
    whole = torch.cat([batch.images for batch in batches.epoch(0)])
    assert torch.equal(torch.cat([batch.images for batch in batches.epoch(0, skip=1)]), whole[3:])
    with pytest.raises(ValueError, match="none of the images can be decoded"):
        list(ImageBatches(images[[2]], 1, seed=0).epoch(0))


def test_the_training_loop_takes_them() -> None:
    images = read_images(numbered(), channels=1)
    seen = []

    class Counting:
        def __call__(self, batch: tuple) -> dict:
            assert batch.labels is None
            seen.extend(batch.images[:, 0, 0, 0].tolist())
            return {"loss": torch.tensor(0.0)}

    fit(Counting(), ImageBatches(images, 4, seed=0), max_epochs=2)
    assert sorted(seen) == sorted([*range(10), *range(10)])
    for options, message in (({"batch_size": 0}, "batch_size is 0"), ({"workers": -1}, "workers is -1")):
        with pytest.raises(ValueError, match=message):
            ImageBatches(images, **{"batch_size": 2, "seed": 0, **options})
