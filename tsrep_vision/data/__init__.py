"""Images for training: read lazily, batched by (seed, epoch), cropped on the device.

    images = read_images("cifar10.zip", split="train")          # or a folder, COCO, .npz, an array
    batches = ImageBatches(images, batch_size=256, seed=0)      # for tsrep.train.loop.fit
    for batch in batches.epoch(0):
        x = random_resized_crop(batch.images.to(device), 32, batch.sizes)
    images.skipped                                              # what could not be used, and why

read.py      `read_images`
images.py    `ImageSet`: images that are decoded when they are asked for
stores.py    where images lie: a folder, a zip file, an array
coco.py      objects in images, in COCO's format
memory.py    images in memory with their objects
batches.py   batches of images, and of images with objects
augment.py   random resized crops, flips and normalisation, one draw per image
jitter.py    large-scale jitter, for detection
shapes.py    generated images with objects
"""

from tsrep_vision.data.augment import (
    central_crop,
    crop,
    denormalised,
    draw_crops,
    normalised,
    random_resized_crop,
)
from tsrep_vision.data.batches import ImageBatch, ImageBatches, ObjectBatch, ObjectBatches, stack
from tsrep_vision.data.images import ImageError, ImageSet, Skipped
from tsrep_vision.data.jitter import large_scale_jitter
from tsrep_vision.data.memory import with_objects
from tsrep_vision.data.read import read_images
from tsrep_vision.data.shapes import draw_shapes

__all__ = [
    "ImageBatch",
    "ImageBatches",
    "ImageError",
    "ImageSet",
    "ObjectBatch",
    "ObjectBatches",
    "Skipped",
    "central_crop",
    "crop",
    "denormalised",
    "draw_crops",
    "draw_shapes",
    "large_scale_jitter",
    "normalised",
    "random_resized_crop",
    "read_images",
    "stack",
    "with_objects",
]
