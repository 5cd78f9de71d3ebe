"""Ranges of the sizes of networks, one table for all of them."""

from __future__ import annotations

from typing import Any

from tsrep.base.parameters import Range, integer, number, out_of_range

ONE = integer(1)
RANGES = {
    **dict.fromkeys(
        ("image_size", "patch_size", "channels", "embed_dim", "depth", "num_heads", "mlp_ratio"), ONE
    ),
    **dict.fromkeys(
        ("decoder_dim", "decoder_heads", "head_depth", "mask_unit", "window_size", "window"), ONE
    ),
    "decoder_depth": integer(0),
    "drop_path": number(0, below=1),
    "hidden_size": ONE,
    "num_classes": integer(2),
}


def check_sizes(**sizes: Any) -> None:
    """Raises the `ValueError` of the first size that is out of its range; None, a default, is left out."""
    for name, value in sizes.items():
        if value is not None and not RANGES[name].holds(value):
            raise out_of_range(name, value, RANGES[name].wanted)


def check_stages(name: str, values: Any, stages: int | None = None) -> None:
    """Raises a `ValueError` unless `values` has an integer of at least 1 per stage (`stages` None: any number)."""
    is_list = isinstance(values, list | tuple) and len(values) > 0
    if not is_list or not all(ONE.holds(value) for value in values) or len(values) != (stages or len(values)):
        count = "one or more stages" if stages is None else f"{stages} stages"
        raise out_of_range(name, values, f"an integer of at least 1 for each of {count}")


def is_interval(values: Any, end: Range) -> bool:
    """Whether `values` is a tuple or list of two numbers in the range `end`, the smaller one first."""
    is_pair = isinstance(values, list | tuple) and len(values) == 2
    return is_pair and all(end.holds(value) for value in values) and values[0] <= values[1]
