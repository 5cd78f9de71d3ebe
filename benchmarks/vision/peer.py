"""Training steps of transformers' ViTMAE: the part of the speed rows that runs in transformers' interpreter.

    python3 -m venv peers && peers/bin/pip install transformers torch
    python -m benchmarks.vision_speed --python peers/bin/python

Reads JSON lines: first the sizes (`benchmarks.vision.problem.Sizes`), device and precision, which are answered with the
versions; then numbers of steps to make, each answered with the wall time and the processor time of a step in seconds.
The optimiser is AdamW in one kernel, as ours is; attention is transformers' default.
"""

import json
import sys
import time
from contextlib import nullcontext
from importlib.metadata import version

import torch
from transformers import ViTMAEConfig, ViTMAEForPreTraining


def main() -> None:
    task = json.loads(sys.stdin.readline())
    sizes, device = task["sizes"], task["device"]
    if device == "cpu":
        torch.set_num_threads(1)
    torch.manual_seed(0)
    config = ViTMAEConfig(
        image_size=sizes["image_size"],
        patch_size=sizes["patch_size"],
        hidden_size=sizes["embed_dim"],
        num_hidden_layers=sizes["depth"],
        num_attention_heads=sizes["num_heads"],
        intermediate_size=4 * sizes["embed_dim"],
        decoder_hidden_size=sizes["decoder_dim"],
        decoder_num_hidden_layers=sizes["decoder_depth"],
        decoder_num_attention_heads=sizes["decoder_heads"],
        decoder_intermediate_size=4 * sizes["decoder_dim"],
        mask_ratio=task["ratio"],
        norm_pix_loss=True,
    )
    model = ViTMAEForPreTraining(config).to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=task["lr"], weight_decay=0.0, fused=True)
    images = torch.randn(sizes["batch"], 3, sizes["image_size"], sizes["image_size"], device=device)

    def step() -> None:
        low = torch.autocast(device, torch.bfloat16) if task["precision"] == "bf16" else nullcontext()
        with low:
            loss = model(images).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    answer({"transformers": version("transformers"), "torch": torch.__version__})
    for line in sys.stdin:
        calls = int(line)
        wait(device)
        wall, used = time.perf_counter(), time.process_time()
        for _ in range(calls):
            step()
        wait(device)
        answer([(time.perf_counter() - wall) / calls, (time.process_time() - used) / calls])


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def answer(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
