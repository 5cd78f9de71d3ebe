"""A fitted encoder as a program of its own: an ONNX model or a torch.export archive, for any batch size and length.

`ExportableEncoder` computes what an encoder's `encode` and `transform` compute, in operations that exporters know. What
lies outside an instance is found by counting its observed steps.

Shapes: B instances, C channels of the input, T steps, H channels within, D components of the representation.
"""

from __future__ import annotations

import copy
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

from tsrep.encoding.read_out import ReadOut
from tsrep.nn.padding import first_to_last

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


class ExportableEncoder(nn.Module):
    """Panels (B, C, T), NaN where nothing was observed, to one vector per step and one per series.

    Gives a dict. "steps" (B, T, D) is what `encode` gives: NaN outside an instance. "series" (B, F) is what `transform`
    gives: NaN for an instance of which nothing was observed. It holds a copy of the weights, on the CPU in 32 bit.

    Raises
    ------
    ValueError
        The encoder's backbone has no `exportable`, or the read-out is of other layers than the last.
    """

    def __init__(self, encoder: nn.Module, read_out: ReadOut):
        super().__init__()
        backbone = cast(nn.Module, encoder.backbone)
        if not hasattr(backbone, "exportable"):
            raise ValueError(f"the encoder's backbone is {type(backbone).__name__}, which cannot be exported")
        if not read_out.last_layer_only:
            raise ValueError(
                f"layers is {read_out.layers}; only a read-out of the last layer can be exported"
            )
        self.normalise = copy.deepcopy(getattr(encoder, "normalise", nn.Identity()))
        self.hides_partly_missing = getattr(encoder, "hides_partly_missing", True)
        projection = encoder.projection
        self.projection = (
            Convolution(projection.weight.unsqueeze(-1), projection.bias)
            if isinstance(projection, nn.Linear)
            else nn.Identity()
        )
        self.backbone = cast(Any, backbone).exportable()
        self.read_out = read_out
        self.float().cpu().eval().requires_grad_(False)

    def forward(self, panel: Tensor) -> dict[str, Tensor]:
        missing = panel.isnan()
        inside = first_to_last(~missing.all(1, keepdim=True))
        hidden = missing.any(1, keepdim=True) if self.hides_partly_missing else missing.all(1, keepdim=True)
        latent = self.projection(self.normalise(panel.mT).mT.masked_fill(missing, 0.0))
        z = self.backbone(latent.masked_fill(hidden, 0.0), inside)
        return {"steps": z.masked_fill(~inside, torch.nan).mT, "series": self.read_out([z.mT], inside[:, 0])}


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
        `path` ends in ".onnx" and the packages that write it are not installed.
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
