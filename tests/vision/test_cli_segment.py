"""`tsrep-vision segment-train` and `segment`: files in COCO's format in, a model, results and pictures out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tsrep_vision.cli import app
from tsrep_vision.cli.segment_train import MaskLoss, Model, Roi
from tsrep_vision.data import draw_shapes
from tsrep_vision.data.shapes import SHAPES
from tsrep_vision.mask_rcnn.evaluation import coco_entries
from tsrep_vision.mask_rcnn.losses import MASK_LOSSES
from tsrep_vision.mask_rcnn.pooling import REGION_OPERATIONS
from tsrep_vision.mask_rcnn.saving import MAKERS

pytest.importorskip("pycocotools")


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three images of shapes and their JSON; COCO's numbers are not the labels."""
    folder = tmp_path_factory.mktemp("coco")
    images, targets = draw_shapes(3, 64, seed=4)
    ids = [0, 18, 5, 40]
    content: dict[str, list] = {"images": [], "annotations": [], "categories": []}
    for number, (image, target) in enumerate(zip(images, targets, strict=True)):
        pixels = (image * 255).byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"{number}.png")
        content["images"].append(
            {"id": 100 + number, "file_name": f"{number}.png", "height": 64, "width": 64}
        )
        content["annotations"] += coco_entries(target, 100 + number, ids)
    content["annotations"] = [{**e, "id": i, "iscrowd": 0} for i, e in enumerate(content["annotations"])]
    content["categories"] = [{"id": ids[i], "name": SHAPES[i]} for i in (1, 2, 3)]
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def trained(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "segmenter"
    files = ("--annotations", "instances.json", "--validation", coco / "instances.json")
    done = called("segment-train", coco, *files, "--max-steps", 2, "--batch-size", 2, "--out", out)
    assert done.exit_code == 0, done.output
    assert "3 images, 3 classes" in done.output and "mask_ap50" in done.output
    return out


def test_the_folder_of_a_training(trained: Path) -> None:
    names = {"model", "checkpoint", "history.json", "curves.png", "found.png", "scores.json"}
    assert {path.name for path in trained.iterdir()} == names
    history = json.loads((trained / "history.json").read_text())
    assert [record["step"] for record in history] == [1, 2]
    assert json.loads((trained / "scores.json").read_text())["mask_ap50"] == history[-1]["mask_ap50"]


def test_a_trained_model_segments(trained: Path, coco: Path, tmp_path: Path) -> None:
    done = called(
        "segment", trained, coco, "--annotations", "instances.json", "--pictures", 1, "--out", tmp_path
    )
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "results.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "scores.json", "0.png"}
    assert {entry["image_id"] for entry in results} <= {100, 101, 102}
    assert {entry["category_id"] for entry in results} <= {18, 5, 40}
    wanted = {"image_id", "category_id", "bbox", "score", "segmentation", "area", "file_name"}
    assert all(set(entry) == wanted and entry["segmentation"]["size"] == [64, 64] for entry in results)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores == pytest.approx(json.loads((trained / "scores.json").read_text()))


def test_one_image_is_segmented(trained: Path, coco: Path, tmp_path: Path) -> None:
    done = called("segment", trained / "model", coco / "1.png", "--threshold", 0, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "1.png").is_file()
    assert all(entry["file_name"] == "1.png" for entry in json.loads((tmp_path / "results.json").read_text()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{coco}"], "--annotations is missing; wanted a JSON file"),
        (["--annotations", "instances.json"], "--annotations is given without a source"),
        (
            ["{coco}", "--annotations", "nothing.json"],
            "nothing.json is a file neither in the source nor elsewhere",
        ),
        (["--device", "abacus"], "device is 'abacus'; wanted"),
        (["--image-size", "40"], "image_size is 40; wanted a multiple of 16"),
        (["--lr", "0"], "lr is 0.0; wanted a number above 0"),
        (["--model", "resnet50", "--backbone", "{vit}"], "backbone is given with maker 'resnet50'"),
        (["--backbone", "{coco}"], "is not a saved model"),
    ],
)
def test_errors_come_before_the_work_in_one_line(
    coco: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    from tsrep_vision import ViT
    from tsrep_vision.saving import save

    save(ViT(32, 8, 16, 1, 2), tmp_path / "vit")
    filled = [argument.format(coco=coco, vit=tmp_path / "vit") for argument in arguments]
    done = called("segment-train", *filled, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "error:" in done.output and message in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out" / "checkpoint").exists()


def test_errors_of_segment(coco: Path, tmp_path: Path) -> None:
    for model, images, message in (
        (tmp_path / "none", coco, "is not a saved model"),
        (coco / "0.png", coco, "error:"),
    ):
        done = called("segment", model, images, "--out", tmp_path / "out")
        assert done.exit_code == 1 and message in done.output and "Traceback" not in done.output


def test_where_results_cannot_be_written(trained: Path, coco: Path) -> None:
    for out, message in (
        (coco / "0.png", "which is a file; wanted a folder"),
        (coco / "segmented", "in the folder of the images"),
    ):
        done = called("segment", trained, coco, "--out", out)
        assert done.exit_code == 1 and message in " ".join(done.output.split())
    assert {path.name for path in coco.iterdir()} >= {"0.png", "instances.json"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({18: 5, 5: 18}, "--annotations has 'disc' as category 5; the model has 'disc' as 18"),
        ({18: 77}, "--annotations has 'disc' as category 77; the model has 'disc' as 18"),
        ({18: "dog", 5: "cat", 40: "cow"}, "--annotations has no class of the model; wanted some of disc, "),
    ],
)
def test_annotations_with_other_numbers_are_not_scored(
    trained: Path, coco: Path, tmp_path: Path, changed: dict, message: str
) -> None:
    """COCO's numbers alone say which found object is compared with which true one."""
    content = json.loads((coco / "instances.json").read_text())
    for each in content["categories"]:
        new = changed.get(each["id"], each["id"])
        each |= {"name": new, "id": each["id"] + 1000} if isinstance(new, str) else {"id": new}
    for each in content["annotations"]:
        new = changed.get(each["category_id"], each["category_id"])
        each["category_id"] = each["category_id"] + 1000 if isinstance(new, str) else new
    (tmp_path / "other.json").write_text(json.dumps(content))
    done = called("segment", trained, coco, "--annotations", tmp_path / "other.json", "--out", tmp_path)
    assert done.exit_code == 1 and message in " ".join(done.output.split())


def test_what_is_no_object_is_said(coco: Path, tmp_path: Path) -> None:
    content = json.loads((coco / "instances.json").read_text())
    content["annotations"][0]["segmentation"] = []
    (tmp_path / "some.json").write_text(json.dumps(content))
    files = ("--annotations", tmp_path / "some.json", "--max-steps", 0, "--out", tmp_path / "out")
    done = called("segment-train", coco, *files)
    count = len(content["annotations"])
    assert f"left out: 1 of {count} annotations, which have no mask" in " ".join(done.output.split())


def test_a_pre_trained_backbone_is_saved_with_the_model(tmp_path: Path) -> None:
    import torch

    from tsrep_vision import SimMIM
    from tsrep_vision.mask_rcnn.saving import load_mask_rcnn
    from tsrep_vision.saving import save

    torch.manual_seed(0)
    save(SimMIM("vit", 32, 8, 32, 2, 2), tmp_path / "simmim")
    options = ("--smoke", "--freeze", "--backbone", tmp_path / "simmim", "--out", tmp_path / "out")
    done = called("segment-train", *options)
    assert done.exit_code == 0, done.output
    found = load_mask_rcnn(tmp_path / "out" / "model")
    assert list(found.classes) == list(SHAPES)
    with torch.no_grad():
        assert set(found.model([torch.rand(3, 64, 64)])[0]) == {"boxes", "labels", "scores", "masks"}


@pytest.mark.slow
def test_two_processes_write_one_model(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "tsrep_vision", "segment-train", "--smoke", "--device", "cpu", "--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model saved") == 1
    assert (tmp_path / "out" / "model" / "config.json").is_file()


def test_choices_are_those_of_the_package() -> None:
    assert [each.value for each in Model] == list(MAKERS)
    assert [each.value for each in MaskLoss] == list(MASK_LOSSES)
    assert [each.value for each in Roi] == list(REGION_OPERATIONS)
