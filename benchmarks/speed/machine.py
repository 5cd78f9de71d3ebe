"""Peak rates of this machine: multiply-adds per second of a large matrix product, bytes per second of a large copy."""

from __future__ import annotations

import time
from functools import cache

import torch

from benchmarks.speed.timing import Function, timed, waiting_for

MEASURED_SECONDS = 0.5  # for which each of the two is repeated; the fastest run counts


@cache
def rates(device: str, precision: str, threads: int) -> dict[str, float]:
    """The rates, measured once per process; `threads` is the number of threads that torch uses."""
    size = 1024 if device == "cpu" else 8192
    number = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device=device).to(number) for _ in range(2))
    product = torch.empty_like(a)
    block = torch.zeros(2**25 if device == "cpu" else 2**29, device=device)  # 128 MB, 2 GB: beyond any cache
    copy = torch.empty_like(block)
    return {
        "multiply_adds_per_second": size**3 / _fastest(lambda: torch.mm(a, b, out=product), device),
        "bytes_per_second": 2 * block.nbytes / _fastest(lambda: copy.copy_(block), device),
    }


def _fastest(function: Function, device: str) -> float:
    wait, started = waiting_for(device), time.perf_counter()
    best, _ = timed(function, wait)
    while time.perf_counter() - started < MEASURED_SECONDS:
        best = min(best, timed(function, wait)[0])
    return best
