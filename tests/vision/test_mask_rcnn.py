"""Mask R-CNN beside torchvision's, its switches, and the parts of ViTDet."""

import pytest
import torch
import torchvision.models.detection as torchvision_detection
from torch import Tensor
from torchvision.models.detection.roi_heads import fastrcnn_loss, maskrcnn_inference, maskrcnn_loss
from torchvision.ops import MultiScaleRoIAlign, roi_pool

from tsrep.train.checkpoint import ModelFileError
from tsrep_vision import MAE, MaskFeat, SimMIM, ViT, mask_rcnn_resnet50_fpn, mask_rcnn_vit
from tsrep_vision.data.shapes import draw_shapes
from tsrep_vision.mask_rcnn import average_precision, losses
from tsrep_vision.mask_rcnn.pooling import MultiScaleRoIPool
from tsrep_vision.mask_rcnn.vit import SimplePyramid, WindowedViT, cut_windows, join_windows

Targets = list[dict[str, Tensor]]


def small(seed: int = 0, **options: object) -> torch.nn.Module:
    torch.manual_seed(seed)
    sizes = {"num_classes": 4, "image_size": 64, "embed_dim": 48, "depth": 4, "num_heads": 4, "patch_size": 8}
    heads = {"channels": 32, "hidden_size": 64, "window": 4, "global_blocks": 2}
    sampled = {"box_batch_size_per_image": 32, "rpn_post_nms_top_n_train": 50, "rpn_post_nms_top_n_test": 50}
    return mask_rcnn_vit(**{**sizes, **heads, **sampled, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pictures() -> tuple[list[Tensor], Targets]:
    return draw_shapes(2, 64, seed=0)


@pytest.fixture
def regions() -> dict[str, Tensor]:
    """12 regions of 5 classes, 7 of them with an object."""
    generator = torch.Generator().manual_seed(0)
    return {
        "scores": torch.randn(12, 5, generator=generator),
        "offsets": torch.randn(12, 20, generator=generator),
        "labels": torch.tensor([0, 1, 4, 2, 0, 0, 3, 1, 0, 2, 4, 0]),
        "targets": torch.randn(12, 4, generator=generator),
        "logits": torch.randn(7, 5, 28, 28, generator=generator),
    }


def test_losses_of_boxes_are_torchvisions(regions: dict[str, Tensor]) -> None:
    labels, targets = regions["labels"], regions["targets"]
    expected = fastrcnn_loss(regions["scores"], regions["offsets"], [labels[:5], labels[5:]], [targets])
    ours = (
        losses.classification_loss(regions["scores"], labels),
        losses.box_loss(regions["offsets"], labels, targets),
    )
    torch.testing.assert_close(ours, expected, atol=0, rtol=0)


def test_the_loss_of_masks_is_torchvisions(
    regions: dict[str, Tensor], pictures: tuple[list[Tensor], Targets]
) -> None:
    truth = pictures[1][:2]
    masks, labels = [t["masks"] for t in truth], [t["labels"] for t in truth]
    matches = [torch.tensor([0, 1, 1, 0]), torch.tensor([1, 0, 0])]
    boxes = [t["boxes"][match] + torch.randn(len(match), 4) for t, match in zip(truth, matches, strict=True)]
    expected = maskrcnn_loss(regions["logits"], boxes, masks, labels, matches)
    label = torch.cat([of_image[match] for of_image, match in zip(labels, matches, strict=True)])
    target = losses.mask_targets(masks, boxes, matches, 28)
    ours = losses.sigmoid_mask_loss(regions["logits"], label, target)
    torch.testing.assert_close(ours, expected, atol=0, rtol=0)
    [inferred] = maskrcnn_inference(regions["logits"], [label])
    assert torch.equal(losses.mask_probabilities(regions["logits"], label, "sigmoid"), inferred)


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
def test_only_sigmoid_masks_do_not_compete(regions: dict[str, Tensor], loss: str) -> None:
    logits = regions["logits"].requires_grad_()
    label = regions["labels"][regions["labels"] > 0]
    target = (torch.rand(7, 28, 28) > 0.5).float()
    value = losses.MASK_LOSSES[loss](logits, label, target)
    value.backward()
    others = torch.ones(7, 5, dtype=torch.bool)
    others[torch.arange(7), label] = False
    assert bool((logits.grad[others] == 0).all()) == (loss == "sigmoid")
    other = logits.detach().clone()
    other[others] += 3
    assert torch.equal(losses.MASK_LOSSES[loss](other, label, target), value) == (loss == "sigmoid")


def test_the_softmax_loss_is_a_cross_entropy(regions: dict[str, Tensor]) -> None:
    label = regions["labels"][regions["labels"] > 0]
    inside = torch.rand(7, 28, 28) > 0.5
    expected = torch.nn.functional.cross_entropy(regions["logits"], inside * label[:, None, None])
    torch.testing.assert_close(losses.softmax_mask_loss(regions["logits"], label, inside.float()), expected)
    lead = losses.mask_probabilities(regions["logits"], label, "softmax")
    assert lead.shape == (7, 1, 28, 28)
    assert torch.equal(lead[:, 0] > 0.5, regions["logits"].argmax(1) == label[:, None, None])


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
def test_without_an_object_the_loss_of_masks_is_0(loss: str) -> None:
    logits = torch.randn(0, 5, 28, 28, requires_grad=True)
    value = losses.MASK_LOSSES[loss](logits, torch.zeros(0, dtype=torch.long), torch.zeros(0, 28, 28))
    value.backward()
    assert float(value.detach()) == 0


def test_the_resnet_is_torchvisions(pictures: tuple[list[Tensor], Targets]) -> None:
    images, targets = pictures
    sizes = {"min_size": 64, "max_size": 96, "rpn_post_nms_top_n_test": 30, "box_score_thresh": 0.0}
    torch.manual_seed(0)
    theirs = torchvision_detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=4, **sizes
    )
    state = theirs.state_dict()
    ours = mask_rcnn_resnet50_fpn(4, state, **sizes)
    assert list(ours.state_dict()) == list(state)
    for model in (ours, theirs):
        torch.manual_seed(1)
        model.losses = model(images, targets)
    assert list(ours.losses) == list(theirs.losses)
    torch.testing.assert_close(ours.losses, theirs.losses, atol=0, rtol=0)
    assert all(
        a.requires_grad == b.requires_grad
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)
    )
    images = [images[0], images[1][:, :48]]
    with torch.no_grad():
        found, expected = ours.eval()(images), theirs.eval()(images)
    assert len(found[0]["boxes"]) > 0
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    frozen = mask_rcnn_resnet50_fpn(4, state, frozen_norm=True, trainable_layers=3, **sizes).eval()
    with torch.no_grad():
        torch.testing.assert_close(frozen(images)[0]["boxes"], expected[0]["boxes"], atol=1e-3, rtol=0)
    lacking = {name: value for name, value in state.items() if "fc7" not in name}
    with pytest.raises(ModelFileError, match="does not fit the model"):
        mask_rcnn_resnet50_fpn(4, lacking)


def test_pooled_regions_are_roi_pools_of_their_level() -> None:
    maps = {str(n): torch.randn(2, 3, 64 // 2**n, 64 // 2**n) for n in range(4)}
    boxes = [
        torch.tensor([[3.0, 5.0, 40.0, 33.0], [10.0, 20.0, 240.0, 250.0]]),
        torch.tensor([[0.0, 0, 250, 30]]),
    ]
    sizes = [(256, 256), (200, 256)]
    pool, align = (
        operation(["0", "1", "2", "3"], 7, 2) for operation in (MultiScaleRoIPool, MultiScaleRoIAlign)
    )
    pooled = pool(maps, boxes, sizes)
    assert pooled.shape == align(maps, boxes, sizes).shape == (3, 3, 7, 7)
    first = torch.tensor([[0.0, 3, 5, 40, 33]])
    assert torch.equal(pooled[:1], roi_pool(maps["0"], first, 7, 1 / 4))
    large = torch.tensor([[0.0, 10, 20, 240, 250]])
    assert torch.equal(pooled[1:2], roi_pool(maps["2"], large, 7, 1 / 16))
    assert pool(maps, [torch.zeros(0, 4)] * 2, sizes).shape == (0, 3, 7, 7)


def test_windows_there_and_back() -> None:
    for grid, window in ((8, 4), (7, 3), (5, 5), (3, 2)):
        x = torch.randn(2, grid, grid, 6)
        windows = cut_windows(x, window)
        assert windows.shape[1:] == (window * window, 6)
        assert torch.equal(join_windows(windows, window, grid), x)
    assert torch.equal(windows[4], cut_windows(x[1:], 2)[0])


@pytest.mark.parametrize("bias", [False, True])
def test_one_window_is_the_vit(images: Tensor, bias: bool) -> None:
    torch.manual_seed(0)
    position = "none" if bias else "sincos"
    vit = ViT(32, 8, 48, 3, 4, relative_bias=bias, position=position, layer_scale=0.5)
    if bias:
        torch.nn.init.normal_(vit.relative_bias.table)
    body = WindowedViT(vit, 32, window=4, global_blocks=())
    x = vit.placed(vit.tokens(images))
    matrix = vit.relative_bias()[:, 1:, 1:] if bias else None
    for block in vit.blocks:
        x = block(x, matrix)
    torch.testing.assert_close(body(images), x.transpose(1, 2).unflatten(2, (4, 4)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("window", [4, 3])
def test_patches_meet_within_windows_only(window: int) -> None:
    """A patch moves those of its window; with a global block all. Filling up the last window moves nothing."""
    torch.manual_seed(0)
    vit = ViT(64, 8, 48, 2, 4, relative_bias=True, position="none")
    images = torch.randn(1, 3, 64, 64)
    changed = images.clone()
    changed[:, :, :8, :8] += 1
    for blocks, reached in (((), window * window), ((0,), 64)):
        body = WindowedViT(vit, 64, window, blocks)
        moved = (body(changed) - body(images)).abs().amax(1)[0] > 1e-7
        assert int(moved.sum()) == reached
        assert bool(moved[:window, :window].all())
    crop = WindowedViT(vit, 16, window, ())  # the last window of 3 has 2 x 2 patches of the map
    if window == 3:
        last = WindowedViT(vit, 64, window, ())(images)[..., 6:, 6:]
        torch.testing.assert_close(last, crop(images[..., 48:, 48:]), atol=1e-5, rtol=0)


def test_the_pyramid() -> None:
    pyramid = SimplePyramid(48, 16)
    maps = pyramid(torch.randn(2, 48, 6, 6))
    assert {name: tuple(level.shape) for name, level in maps.items()} == {
        "0": (2, 16, 24, 24),
        "1": (2, 16, 12, 12),
        "2": (2, 16, 6, 6),
        "3": (2, 16, 3, 3),
        "pool": (2, 16, 2, 2),
    }
    for level in list(maps.values())[:4]:
        torch.testing.assert_close(level.mean(1), torch.zeros_like(level[:, 0]), atol=1e-5, rtol=0)


def test_the_published_sizes() -> None:
    with torch.device("meta"):
        vit = ViT(1024, 16, 768, 12, 12)
        body = WindowedViT(vit, 1024, 14, (2, 5, 8, 11))
        assert body.global_blocks == {2, 5, 8, 11} and body.hidden.shape == (25, 1, 1, 196)


def test_a_pre_trained_backbone() -> None:
    torch.manual_seed(0)
    sizes = {"image_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 4}
    mae = MAE(**sizes, decoder_dim=32, decoder_depth=1, decoder_heads=4)
    before = {name: value.clone() for name, value in mae.state_dict().items()}
    heads = {"channels": 32, "hidden_size": 64}
    model = mask_rcnn_vit(4, image_size=64, backbone=mae, **heads)
    body = model.backbone.body
    assert torch.equal(body.blocks[1].query_key_value.weight, mae.encoder.blocks[1].query_key_value.weight)
    assert body.position.shape == (8, 8, 48)
    model(*draw_shapes(2, 64, 1))["loss_mask"].backward()
    assert body.patch_embed.weight.grad.abs().sum() > 0
    assert all(torch.equal(value, before[name]) for name, value in mae.state_dict().items())
    for other in (SimMIM(backbone="vit", **sizes), MaskFeat(**sizes), mae.encoder):
        assert mask_rcnn_vit(4, image_size=64, backbone=other, **heads).eval()([torch.rand(3, 40, 64)])
    with pytest.raises(ValueError, match="depth is 12; the backbone has 3"):
        mask_rcnn_vit(4, image_size=64, backbone=mae, depth=12)
    with pytest.raises(ValueError, match="backbone is a Linear; wanted a ViT"):
        mask_rcnn_vit(4, image_size=64, backbone=torch.nn.Linear(2, 2))


@pytest.mark.parametrize("switches", [{}, {"mask_loss": "softmax"}, {"roi": "pool"}])
def test_the_losses_fall(pictures: tuple[list[Tensor], Targets], switches: dict[str, str]) -> None:
    model = small(**switches)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    totals = []
    for _ in range(50):
        parts = model(*pictures)
        loss = sum(parts.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        totals.append(float(loss.detach()))
    assert set(parts) == {
        "loss_classifier",
        "loss_box_reg",
        "loss_mask",
        "loss_objectness",
        "loss_rpn_box_reg",
    }
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []
    with torch.no_grad():
        found = model.eval()([torch.rand(3, 40, 64), torch.rand(3, 120, 64)])
    for detections, (height, width) in zip(found, ((40, 64), (120, 64)), strict=True):
        assert set(detections) == {"boxes", "labels", "scores", "masks"}
        assert detections["masks"].shape == (len(detections["boxes"]), 1, height, width)
        assert bool((detections["labels"] > 0).all())


def test_images_without_objects(pictures: tuple[list[Tensor], Targets]) -> None:
    nothing = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.long),
        "masks": torch.zeros(0, 64, 64, dtype=torch.uint8),
    }
    parts = small()(pictures[0][:2], [nothing, nothing])
    assert float(parts["loss_mask"].detach()) == 0 and float(parts["loss_box_reg"].detach()) == 0
    sum(parts.values()).backward()


def test_a_state_dict_comes_back(pictures: tuple[list[Tensor], Targets]) -> None:
    one, other = small(0).eval(), small(1).eval()
    other.load_state_dict(one.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(one(pictures[0]), other(pictures[0]), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_loss": "dice"}, "mask_loss is 'dice'; wanted one of 'sigmoid', 'softmax'"),
        ({"roi": "crop"}, "roi is 'crop'; wanted one of 'align', 'pool'"),
        ({"patch_size": 14, "image_size": 56}, "patch_size is 14; wanted a power of two"),
        ({"image_size": 72}, "image_size is 72; wanted a multiple of 16"),
        ({"embed_dim": 6, "num_heads": 2}, "width is 6"),
        ({"global_blocks": (4,)}, r"global_blocks is \(4,\); wanted how many, or numbers from 0 to 3"),
        ({"anchor_sizes": (8, 16)}, "anchor_sizes has 2 sizes; wanted 5"),
        ({"window": 0}, "window is 0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_targets_of_a_wrong_type_are_refused(pictures: tuple[list[Tensor], Targets]) -> None:
    images, targets = pictures
    wrong = [{**target, "labels": target["labels"].int()} for target in targets]
    with pytest.raises(TypeError, match=r"targets\[0\]\['labels'\] is torch.int32; wanted torch.int64"):
        small()(images, wrong)


def as_detections(targets: Targets, scores: list[float] | None = None) -> Targets:
    return [
        {
            **target,
            "scores": torch.ones(len(target["labels"])) if scores is None else torch.tensor(scores),
            "masks": target["masks"][:, None].float(),
        }
        for target in targets
    ]


def test_average_precision() -> None:
    pytest.importorskip("pycocotools")
    _, targets = draw_shapes(6, 64, seed=1)
    perfect = average_precision(as_detections(targets), targets)
    names = [f"{part}_ap{at}" for part in ("box", "mask") for at in ("", "50", "75")]
    assert list(perfect) == names and all(value == pytest.approx(1) for value in perfect.values())
    swapped = [{**target, "labels": target["labels"] % 3 + 1} for target in targets]
    assert average_precision(as_detections(swapped), targets)["mask_ap"] < 0.1
    thin = [{**target, "masks": target["masks"].clone()} for target in targets]
    for target in thin:
        target["masks"][:, ::2] = 0  # half of each mask, the box as before
    halved = average_precision(as_detections(thin), targets)
    assert halved["box_ap"] == pytest.approx(1) and halved["mask_ap75"] == 0
    nothing = [{name: value[:0] for name, value in target.items()} for target in targets]
    assert set(average_precision(as_detections(nothing), targets).values()) == {0.0}
    assert all(value != value for value in average_precision(as_detections(targets), nothing).values())
    with pytest.raises(ValueError, match="detections has 1 images; targets has 6"):
        average_precision(as_detections(targets[:1]), targets)
