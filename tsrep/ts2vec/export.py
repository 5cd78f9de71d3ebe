"""A fitted encoder as a program of its own: an ONNX model or a torch.export archive, for any batch size and length.

`ExportableEncoder` computes what `TS2Vec.encode` and `TS2Vec.transform` compute, in operations that exporters know:
torch's own convolution with zero padding, whatever the length, and what lies outside an instance by counting its
observed steps. Where a dilation reaches over the whole series, two of the three taps meet only padding; `SeriesEncoder`
leaves them out, the exported program does not.

Shapes: B instances, C channels of the input, T steps, H channels within, D components of the representation.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tsrep.ts2vec.encoder import DilatedConvolutions, ResidualBlock, SeriesEncoder
from tsrep.ts2vec.pooling import POOLINGS

DESCRIPTION = "tsrep.json"  # the name under which a program carries what it was made from
OPSET = 20  # of ONNX: the first with GELU


class Convolution(nn.Module):
    """(B, H_in, T) -> (B, H_out, T), zero-padded to keep the length; `weight` as in `torch.nn.Conv1d`."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dilation: int = 1):
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone(memory_format=torch.contiguous_format))
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.dilation = dilation
        self.padding = dilation * (weight.shape[-1] // 2)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, padding=self.padding, dilation=self.dilation)


class Block(nn.Module):
    """A `ResidualBlock` over (B, H, T)."""

    def __init__(self, block: ResidualBlock):
        super().__init__()
        self.conv1, self.conv2 = (
            Convolution(layer.taps.permute(2, 1, 0), layer.bias, layer.dilation)
            for layer in (block.conv1, block.conv2)
        )
        projector = block.projector
        self.shortcut = nn.Identity() if projector is None else Convolution(projector.weight, projector.bias)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        y = self.conv1(torch.where(inside, F.gelu(x), 0.0))
        y = self.conv2(torch.where(inside, F.gelu(y), 0.0))
        return y + self.shortcut(x)


class ExportableEncoder(nn.Module):
    """Panels (B, C, T), NaN where nothing was observed, to one vector a step and one a series.

    Gives a dict. "steps" (B, T, D) is what `TS2Vec.encode` gives: NaN outside an instance. "series" (B, D) is what
    `TS2Vec.transform` gives: NaN for an instance of which nothing was observed. It holds a copy of the weights, on the
    CPU in 32 bit.

    Raises
    ------
    ValueError
        The encoder has another backbone than dilated convolutions.
    """

    def __init__(self, encoder: SeriesEncoder, pooling: str):
        super().__init__()
        if not isinstance(encoder.backbone, DilatedConvolutions):
            found = type(encoder.backbone).__name__
            raise ValueError(f"the encoder's backbone is {found}; only dilated convolutions can be exported")
        projection = encoder.projection
        self.projection = (
            Convolution(projection.weight.unsqueeze(-1), projection.bias)
            if isinstance(projection, nn.Linear)
            else nn.Identity()
        )
        self.blocks = nn.ModuleList(Block(cast(ResidualBlock, block)) for block in encoder.backbone.blocks)
        self.pool = POOLINGS[pooling]
        self.float().cpu().eval().requires_grad_(False)

    def forward(self, panel: Tensor) -> dict[str, Tensor]:
        missing = panel.isnan()
        inside = first_to_last(~missing.all(1, keepdim=True))
        latent = self.projection(panel.masked_fill(missing, 0.0))
        x = latent.masked_fill(missing.any(1, keepdim=True), 0.0)
        for block in self.blocks:
            x = block(x, inside)
        return {"steps": x.masked_fill(~inside, torch.nan).mT, "series": self.pool(x.mT, inside[:, 0])}


def first_to_last(seen: Tensor) -> Tensor:
    """True from the first True along the last axis to the last one: as `crops.inside`, by counting."""
    count = seen.long().cumsum(-1)
    return (count > 0) & (seen | (count < count[..., -1:]))


def write_program(
    path: str | Path, encoder: ExportableEncoder, channels: int, description: Mapping[str, Any]
) -> None:
    """Writes `encoder` to `path`: as ONNX where that ends in ".onnx", as a torch.export archive where in ".pt2".

    The program takes "panel" (batch, `channels`, length), float32, any batch and length of at least 1, and gives
    "steps" and "series". It carries `description` as JSON. A file at `path` is replaced, by the whole program or not
    at all.

    Raises
    ------
    ValueError
        `path` has neither ending.
    ModuleNotFoundError
        ONNX is wanted and the packages that write it are not installed.
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise ValueError(f"path is {str(path)!r}; wanted a name that ends in {' or '.join(_FORMATS)}")
    content = _FORMATS[path.suffix](encoder, channels, json.dumps(description))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(fresh, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _as_onnx(encoder: ExportableEncoder, channels: int, description: str) -> bytes:
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"writing ONNX needs {package}: pip install 'tsrep[export]'")
    program = torch.onnx.export(
        encoder,
        (_example(channels),),
        dynamic_shapes=_any_size(),
        input_names=["panel"],
        output_names=["steps", "series"],
        opset_version=OPSET,
        verbose=False,
    )
    assert program is not None  # only torch's older exporter gives None
    model = program.model
    model.graph.metadata_props.clear()
    for node in model.graph.all_nodes():
        node.metadata_props.clear()  # where in the sources each operation comes from, with this machine's paths
    model.metadata_props[DESCRIPTION] = description
    return program.model_proto.SerializeToString()


def _as_archive(encoder: ExportableEncoder, channels: int, description: str) -> bytes:
    program = torch.export.export(encoder, (_example(channels),), dynamic_shapes=_any_size())
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # the same
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={DESCRIPTION: description})
    return content.getvalue()


_FORMATS = {".onnx": _as_onnx, ".pt2": _as_archive}


def _example(channels: int) -> Tensor:
    return torch.zeros(2, channels, 3)


def _any_size() -> tuple[dict[int, torch.export.Dim]]:
    return ({0: torch.export.Dim("batch", min=1), 2: torch.export.Dim("length", min=1)},)
