"""Training of Mask R-CNN: losses fall, a resumed run ends in the same bits, the papers' groups and rates."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from tsrep.train.runtime import launch
from tsrep_vision import MAE, mask_rcnn_resnet50_fpn
from tsrep_vision.data import ImageSet, draw_shapes, read_images, with_objects
from tsrep_vision.data.batches import ObjectBatch
from tsrep_vision.data.jitter import flipped
from tsrep_vision.mask_rcnn import average_precision, mask_rcnn_tiny, segment, train_mask_rcnn
from tsrep_vision.mask_rcnn.evaluation import coco_entries
from tsrep_vision.mask_rcnn.recipe import RESNET, VIT, DetectionTraining, groups_of, recipe_of
from tsrep_vision.mask_rcnn.train import ObjectsStep, SegmentationObjective

SIZES = {"embed_dim": 32, "depth": 2, "num_heads": 2, "channels": 16, "hidden_size": 32}
QUICK = {"lr": 2e-3, "layer_decay": 1.0, "batch_size": 2, "random_state": 0, "device": "cpu"}


def tiny(seed: int = 0, **options: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    sizes = {"box_batch_size_per_image": 32, "rpn_post_nms_top_n_train": 50, "rpn_post_nms_top_n_test": 50}
    return mask_rcnn_tiny(4, **{**SIZES, **sizes, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shapes() -> ImageSet:
    return with_objects(*draw_shapes(4, 64))


def test_losses_fall_and_the_model_has_the_trained_weights(shapes: ImageSet) -> None:
    model = tiny()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    history = train_mask_rcnn(
        model, shapes, max_steps=16, max_norm=1.0, validation=shapes, evaluate_every=10, **QUICK
    )
    assert [record["step"] for record in history] == list(range(1, 17))
    terms = ["loss_classifier", "loss_box_reg", "loss_mask", "loss_objectness", "loss_rpn_box_reg"]
    for record in history:
        assert record["loss"] == pytest.approx(sum(record[term] for term in terms), rel=1e-5)
    first, last = (sum(record["loss"] for record in part) for part in (history[:4], history[-4:]))
    assert last < 0.9 * first
    assert [record["step"] for record in history if "mask_ap50" in record] == [10, 16]
    moved = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert set(dict(model.named_parameters())) <= set(moved)
    again = average_precision(segment(model, shapes), [shapes.target(row) for row in range(4)])
    assert again == {name: history[-1][name] for name in again}


def test_a_resumed_run_ends_in_the_same_bits(
    shapes: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken, broken = tiny(), tiny()
    options = {**QUICK, "max_steps": 4, "jitter": (0.5, 2.0)}
    expected = train_mask_rcnn(unbroken, shapes, **options)
    calls = SegmentationObjective.__call__
    count = iter(range(3))

    def stops(*arguments: object) -> dict[str, Tensor]:
        if next(count) == 2:
            raise KeyboardInterrupt
        return calls(*arguments)  # type: ignore[arg-type]

    folder = tmp_path / "run"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(SegmentationObjective, "__call__", stops)
        train_mask_rcnn(broken, shapes, checkpoint=folder, checkpoint_every=1, **options)
    assert torch.equal(broken.rpn.head.cls_logits.weight, tiny().rpn.head.cls_logits.weight)
    history = train_mask_rcnn(broken, shapes, checkpoint=folder, checkpoint_every=1, **options)
    assert [record["loss"] for record in history] == [record["loss"] for record in expected]
    states = zip(unbroken.state_dict().values(), broken.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in states)
    with pytest.raises(ValueError, match=r"checkpoint .* holds a run with jitter=\[0.5, 2.0\], not None"):
        train_mask_rcnn(tiny(), shapes, checkpoint=folder, **{**options, "jitter": None})
    images, targets = draw_shapes(4, 64)
    targets[3]["labels"] = 4 - targets[3]["labels"]
    with pytest.raises(ValueError, match=r"checkpoint .* holds a run on other images, labels or objects"):
        train_mask_rcnn(tiny(), with_objects(images, targets), checkpoint=folder, **options)


def test_a_training_that_has_ended_is_scored_when_it_is_asked_for(shapes: ImageSet, tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    model, options = tiny(), {**QUICK, "max_steps": 1, "checkpoint": tmp_path / "run"}
    [record] = train_mask_rcnn(model, shapes, **options)
    assert "mask_ap" not in record
    [record] = train_mask_rcnn(tiny(), shapes, validation=shapes, **options)
    expected = average_precision(segment(model, shapes), [shapes.target(row) for row in range(4)])
    assert expected == {name: record[name] for name in expected}


def test_a_frozen_backbone_keeps_its_weights(shapes: ImageSet) -> None:
    torch.manual_seed(0)
    mae = MAE(32, 8, 32, 2, 2, decoder_dim=16, decoder_depth=1, decoder_heads=2)
    model = tiny(backbone=mae, embed_dim=None, depth=None, num_heads=None)
    weight = "blocks.0.query_key_value.weight"
    train_mask_rcnn(model, shapes, max_steps=2, freeze=True, **QUICK)
    assert torch.equal(model.backbone.body.state_dict()[weight], mae.encoder.state_dict()[weight])
    assert model.backbone.body.patch_embed.weight.requires_grad
    pyramid = model.backbone.pyramid.state_dict()
    train_mask_rcnn(model, shapes, max_steps=1, **QUICK)
    assert not torch.equal(model.backbone.body.state_dict()[weight], mae.encoder.state_dict()[weight])
    assert all(value.isfinite().all() for value in pyramid.values())


class OneOfTwo:
    """A fabric that says it is one of two processes."""

    world_size = 2

    def __init__(self, fabric: Any, rank: int):
        self.fabric, self.global_rank = fabric, rank

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fabric, name)

    def all_reduce(self, values: Tensor, reduce_op: str) -> Tensor:
        return values


def test_processes_draw_by_themselves_and_stay_alike(shapes: ImageSet) -> None:
    """Whatever the number of images of each: a checkpoint has the generator of the first process."""
    items = [(shapes[row] / 255, shapes.target(row)) for row in range(3)]
    drawn, states = [], []
    for rank, count in enumerate((3, 2)):
        objective = SegmentationObjective(64, None, False)
        objective.augmented = lambda image, target, generator: (  # type: ignore[method-assign]
            drawn.append(float(torch.rand((), generator=generator))),
            (image, target),
        )[1]
        generator = torch.Generator().manual_seed(0)
        step = ObjectsStep(
            tiny(), objective, lr=1e-3, generator=generator, fabric=launch("cpu"), accumulate=1
        )
        step.fabric = OneOfTwo(step.fabric, rank)  # type: ignore[assignment]
        step(ObjectBatch(*map(list, zip(*items[:count], strict=True))))
        states.append(step.state()["generator"])
    assert torch.equal(*states) and len(set(drawn)) == len(drawn) == 5


def test_groups_of_a_vit() -> None:
    model = tiny()
    groups = groups_of(model, 0.1, 0.5)
    place = {
        id(weight): (group["scale"], group["weight_decay"]) for group in groups for weight in group["params"]
    }
    assert len(place) == len(list(model.parameters()))
    body = model.backbone.body
    assert place[id(body.patch_embed.weight)] == (0.125, 0.1)
    assert place[id(body.blocks[0].query_key_value.weight)] == (0.25, 0.1)
    assert place[id(body.blocks[1].query_key_value.bias)] == (0.5, 0.0)
    assert place[id(model.rpn.head.cls_logits.weight)] == (1.0, 0.1)


def test_the_recipe_of_a_resnet() -> None:
    with torch.device("meta"):
        model = mask_rcnn_resnet50_fpn(4, trainable_layers=3)
    assert recipe_of(model) is RESNET and recipe_of(tiny()) is VIT
    [group] = groups_of(model, 1e-4, 1.0)
    assert len(group["params"]) == sum(weight.requires_grad for weight in model.parameters())
    assert (group["scale"], group["weight_decay"]) == (1.0, 1e-4)
    made = RESNET.optimiser([torch.nn.Parameter(torch.ones(1))], lr=0.1, weight_decay=1e-4)
    assert type(made) is torch.optim.SGD and made.param_groups[0]["momentum"] == 0.9


def test_the_rate_warms_up_and_drops() -> None:
    settings = DetectionTraining(
        90_000, None, 16, 0.02, 0.1, 1e-4, most_warm_up=RESNET.warm_up, drops=RESNET.drops
    )
    rate = settings.schedule(90_000)
    steps = (0, 500, 1000, 59_999, 60_000, 79_999, 80_000)
    expected = [2e-5, 0.01001, 0.02, 0.02, 0.002, 0.002, 0.0002]
    assert [rate(step) for step in steps] == pytest.approx(expected)


def test_a_flip_is_its_own_inverse(shapes: ImageSet) -> None:
    image, target = shapes[0], shapes.target(0)
    there = flipped(image, target, flip=1.0)
    assert not torch.equal(there[0], image)
    assert torch.equal(there[1]["masks"][0].any(0).nonzero().min().float(), there[1]["boxes"][0, 0])
    back = flipped(*there, flip=1.0)
    assert torch.equal(back[0], image) and all(torch.equal(back[1][name], target[name]) for name in target)
    assert flipped(image, target, flip=0.0)[0] is image


def test_entries_are_cocos(shapes: ImageSet) -> None:
    run_lengths = pytest.importorskip("pycocotools.mask")
    target = shapes.target(0)
    entries = coco_entries(target, 7, category_ids=[0, 18, 2, 5])
    assert [entry["category_id"] for entry in entries] == [[0, 18, 2, 5][i] for i in target["labels"]]
    for entry, box, mask in zip(entries, target["boxes"], target["masks"], strict=True):
        left, top, width, height = entry["bbox"]
        assert [left, top, left + width, top + height] == box.tolist() and entry["image_id"] == 7
        assert (run_lengths.decode(entry["segmentation"]) == mask.numpy()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_steps": -1}, "max_steps is -1; wanted an integer of at least 0"),
        ({"lr": 0.0}, "lr is 0.0; wanted a number above 0"),
        ({"batch_size": 0}, "batch_size is 0; wanted an integer of at least 1"),
        ({"layer_decay": 1.5}, "layer_decay is 1.5; wanted a number above 0 to 1"),
        ({"jitter": (2.0, 0.5)}, r"jitter is \(2.0, 0.5\); wanted two scales above 0"),
        ({"jitter": (0.1, float("inf"))}, r"jitter is \(0.1, inf\); wanted two scales above 0"),
        ({"jitter": 0.5}, "jitter is 0.5; wanted two scales above 0"),
        ({"evaluate_every": 2}, "evaluate_every is 2; wanted None without validation"),
        ({"evaluate_every": 0}, "evaluate_every is 0; wanted an integer of at least 1, or None"),
        ({"targets": []}, "targets is given; wanted None with a set of images"),
        ({"device": "abacus"}, "device is 'abacus'"),
    ],
)
def test_settings_out_of_range_are_refused(shapes: ImageSet, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_mask_rcnn(tiny(), shapes, **{**QUICK, **options})


def test_images_that_do_not_fit_are_refused(shapes: ImageSet) -> None:
    images, targets = draw_shapes(2, 64)
    with pytest.raises(ValueError, match="targets is None; wanted the objects of each image"):
        train_mask_rcnn(tiny(), images)
    with pytest.raises(ValueError, match="images has 2 images and targets 1"):
        train_mask_rcnn(tiny(), images, targets[:1])
    with pytest.raises(ValueError, match="images has 4 classes, the background included; the model has 2"):
        train_mask_rcnn(mask_rcnn_tiny(2, **SIZES), shapes)
    with pytest.raises(ValueError, match=r"images\[0\] has shape \(1, 64, 64\)"):
        train_mask_rcnn(tiny(), [image[:1] for image in images], targets)
    with pytest.raises(ValueError, match=r"targets\[0\] lacks 'masks'"):
        train_mask_rcnn(tiny(), images, [{k: t[k] for k in ("boxes", "labels")} for t in targets])
    with pytest.raises(ValueError, match="validation is a list; wanted a set of images"):
        train_mask_rcnn(tiny(), shapes, validation=images)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="images is empty; wanted at least one"):
        train_mask_rcnn(tiny(), shapes[:0], max_steps=1)
    with pytest.raises(ValueError, match="model is a Linear; wanted a Mask R-CNN"):
        train_mask_rcnn(torch.nn.Linear(1, 1), shapes)  # type: ignore[arg-type]


@pytest.mark.parametrize("jitter", [None, (0.1, 2.0)])
def test_images_without_objects(jitter: tuple[float, float] | None) -> None:
    images, targets = draw_shapes(2, 64)
    targets[0] = {name: value[:0] for name, value in targets[0].items()}
    for some in (targets, [targets[0]] * 2):
        [record] = train_mask_rcnn(tiny(), images, some, jitter=jitter, max_steps=1, **QUICK)
        assert record["loss_objectness"] > 0 and record["loss"] < 20
    assert record["loss_mask"] == record["loss_box_reg"] == 0


def test_damaged_images_for_validation_are_skipped(tmp_path: Path) -> None:
    shapes, targets = draw_shapes(3, 64)
    content: dict = {
        "images": [],
        "annotations": [],
        "categories": [{"id": n, "name": str(n)} for n in (1, 2, 3)],
    }
    for number, (image, target) in enumerate(zip(shapes, targets, strict=True)):
        to_pil_image(image).save(tmp_path / f"{number}.png")
        content["images"].append({"id": number, "file_name": f"{number}.png", "height": 64, "width": 64})
        content["annotations"] += coco_entries(target, number)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:3000])
    (tmp_path / "objects.json").write_text(json.dumps(content))
    validation = read_images(tmp_path, annotations="objects.json")
    assert len(validation) == 3
    history = train_mask_rcnn(tiny(), shapes, targets, validation=validation, max_steps=1, **QUICK)
    assert 0 <= history[-1]["mask_ap"] <= 1
    assert [each.name for each in validation.skipped] == ["1.png"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("boxes", [[5, 5, 5, 9]], "wanted left < right"),
        ("boxes", [[9, 9, 5, 5]], "wanted left < right"),
        ("boxes", [[1000, 5, 1009, 9]], "in part within the 64 x 64 pixels"),
        ("boxes", [[float("nan"), 5, 9, 9]], "wanted left < right"),
        ("labels", [1.0], "wanted int64 numbers from 1 on"),
        ("labels", [0], "wanted int64 numbers from 1 on"),
        ("masks", [[[255] * 64] * 64], "masks'\\] has values from 255 to 255; wanted 0 and 1"),
    ],
)
def test_objects_in_memory_are_checked(field: str, value: list, message: str) -> None:
    [image], [target] = draw_shapes(1, 64, per_image=1)
    with pytest.raises(ValueError, match=message):
        with_objects([image], [{**target, field: torch.tensor(value)}])


def test_arrays_are_no_tensors(shapes: ImageSet) -> None:
    [image], [target] = draw_shapes(1, 64, per_image=1)
    with pytest.raises(ValueError, match=r"images\[0\] is a ndarray; wanted a tensor"):
        with_objects([image.numpy()], [target])
    with pytest.raises(ValueError, match=r"targets\[0\]\['boxes'\] is a ndarray; wanted a tensor"):
        with_objects([image], [{name: value.numpy() for name, value in target.items()}])
    with pytest.raises(ValueError, match="images is a ndarray; wanted a tensor"):
        list(segment(tiny(), [image.numpy()]))


@pytest.mark.parametrize("image", [255 * torch.rand(3, 64, 64), torch.full((3, 64, 64), torch.nan)])
def test_other_values_are_not_segmented(image: Tensor) -> None:
    with pytest.raises(ValueError, match="wanted uint8, or floats between 0 and 1"):
        list(segment(tiny(), [image]))


@pytest.mark.slow
def test_a_tiny_model_segments_shapes() -> None:
    """Trained on 200 generated images from random weights; scored on 40 others. Two to three minutes of one core."""
    pytest.importorskip("pycocotools")
    torch.manual_seed(0)
    model = mask_rcnn_tiny(4)
    history = train_mask_rcnn(
        model,
        *draw_shapes(200, 64, seed=0),
        max_steps=300,
        lr=2e-3,
        layer_decay=1.0,
        weight_decay=0.01,
        max_norm=1.0,
        validation=with_objects(*draw_shapes(40, 64, seed=1)),
        random_state=0,
    )
    assert history[-1]["mask_ap50"] > 0.5
