"""Loads the server for a bounded time, and prints percentiles of the latency and the throughput as a table."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import httpx
import numpy as np
import typer


def load_server(
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8000",
    seconds: Annotated[float, typer.Option(help="Of each kind of request.")] = 10.0,
    clients: Annotated[int, typer.Option(help="Clients at once; the points come from one.")] = 1,
) -> None:
    random = np.random.default_rng(1)
    wave = np.sin(np.arange(100_000) / 8) + random.normal(0, 0.1, 100_000)
    panel = {"panel": random.normal(size=(1, 1, 100)).tolist()}
    many = {"panel": random.normal(size=(64, 1, 100)).tolist()}
    points = iter(wave.tolist())
    rows = {
        "encode 1 series of 100 steps": ("/encode", lambda: panel, 1, clients),
        "encode 64 series of 100 steps": ("/encode", lambda: many, 64, clients),
        "one new point": ("/points", lambda: {"points": [[next(points)]]}, 1, 1),
        "16 new points": ("/points", lambda: {"points": [[next(points)] for _ in range(16)]}, 16, 1),
    }
    print("| request | clients | requests | p50, ms | p95, ms | p99, ms | series or points per second |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (path, body, count, at_once) in rows.items():
        began = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            parts = pool.map(lambda _: latencies(url + path, body, seconds), range(at_once))  # noqa: B023
            times = np.concatenate(list(parts))
        rate = len(times) * count / (time.perf_counter() - began)
        shown = " | ".join(f"{1e3 * value:.1f}" for value in np.percentile(times, [50, 95, 99]))
        print(f"| {name} | {at_once} | {len(times)} | {shown} | {rate:.0f} |")


def latencies(url: str, body: Callable[[], Any], seconds: float) -> np.ndarray:
    """Seconds of each of the requests that one client makes, one after the other."""
    times = []
    with httpx.Client() as client:
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            client.post(url, json=body()).raise_for_status()
            times.append(time.perf_counter() - began)
    return np.array(times)


if __name__ == "__main__":
    typer.run(load_server)
