"""The input pipeline alone: JPEG files of a folder, decoded by threads, cropped on the device."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.speed.timing import waiting_for
from tsrep.train.runtime import launch
from tsrep_vision.data import ImageBatches, random_resized_crop, read_images

WIDTH, HEIGHT = 500, 375  # about the median of ImageNet's photographs
QUALITY = 90


def images_per_second(
    folder: Path | None, size: int, batch: int, device: str, cores: int, seconds: float
) -> dict[str, Any]:
    """Images per second from files to crops on the device, after a first batch, and the size of a file.

    Parameters
    ----------
    folder : images; None: as many generated photographs as two batches have.
    size : side of the crops in pixels.
    cores : threads that decode.
    seconds : how long batches are drawn.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            write_photographs(Path(made), 2 * batch)
            return images_per_second(Path(made), size, batch, device, cores, seconds)
    where, wait = launch(device).device, waiting_for(device)
    images = read_images(folder, resize=round(size * 256 / 224))
    batches = ImageBatches(images, batch, seed=0, workers=cores)
    seen, started, epoch = 0, 0.0, 0
    while seen == 0 or time.perf_counter() - started < seconds:
        for drawn in batches.epoch(epoch):
            random_resized_crop(drawn.images.to(where), size, drawn.sizes)
            wait()
            if started == 0:
                started = time.perf_counter()  # the threads and the device are warm
                continue
            seen += len(drawn.images)
        epoch += 1
    taken = time.perf_counter() - started
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {
        "images_per_second": seen / taken,
        "cores": cores,
        "kilobytes": sum(files) / len(files) / 1e3,
        "images": len(images),
    }


def write_photographs(folder: Path, count: int) -> None:
    """JPEG files of smooth noise, which compresses about as a photograph does."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (HEIGHT // 6, WIDTH // 6, 3), dtype=np.uint8))
        coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(
            folder / f"{number:05d}.jpg", quality=QUALITY
        )
