"""The whole demonstration, with progress on the terminal."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

from rich.console import Console


def run(
    out: str | Path = "vision-demo",
    *,
    seed: int = 0,
    max_steps: int | None = None,
    console: Console | None = None,
) -> Path:
    """Train, draw and write `out/index.html`, `out/results.json` and the figures as PNG files.

    Parameters
    ----------
    out : folder, made if it is missing; files of an earlier run in it are replaced.
    seed : of everything drawn, at least 0.
    max_steps : steps of each training; None: as many as each needs to show something.
    console : where progress is printed; None: the terminal.

    Returns
    -------
    The absolute path of the page.
    """
    import torch
    import torchvision

    from tsrep import __version__
    from tsrep.report import png, write_page
    from tsrep_vision.cli.demo.digits import rebuild_digits
    from tsrep_vision.cli.demo.page import build_page
    from tsrep_vision.cli.demo.photographs import predict_gradients
    from tsrep_vision.cli.demo.shapes import segment_shapes

    console = Console() if console is None else console
    folder = Path(out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    verbose, started = int(console.is_terminal), time.perf_counter()

    console.print(
        "[bold]1/3  Digits[/bold]  Three quarters of each image hidden, and rebuilt.", highlight=False
    )
    digits = rebuild_digits(seed, max_steps, verbose)
    console.print(f"  squared error over that of the mean digit: {digits.error:.3f}", highlight=False)
    console.print("[bold]2/3  Photographs[/bold]  Gradients of hidden blocks, predicted.", highlight=False)
    photographs = predict_gradients(seed, max_steps, verbose)
    console.print(
        f"  squared error over that of the mean histogram: {photographs.error:.3f}", highlight=False
    )
    console.print(
        "[bold]3/3  Shapes[/bold]  Discs, squares and triangles, found and cut out.", highlight=False
    )
    shapes = segment_shapes(seed, max_steps, verbose)
    scores = (f"{name} {value:.3f}" for name, value in shapes.scores.items() if name.endswith("50"))
    console.print(f"  {'   '.join(scores)}", highlight=False)

    figures = {
        "reconstructions": digits.picture,
        "digits-loss": digits.curve,
        "gradients": photographs.picture,
        "shapes": shapes.picture,
        "shapes-loss": shapes.curve,
    }
    pictures = {name: png(figure) for name, figure in figures.items()}
    for name, content in pictures.items():
        (folder / f"{name}.png").write_bytes(content)
    facts = {
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
        "versions": {
            "tsrep": __version__,
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "python": platform.python_version(),
        },
    }
    parts = {
        "digits": digits.summary(),
        "photographs": photographs.summary(),
        "shapes": shapes.summary(),
    }
    (folder / "results.json").write_text(json.dumps(facts | parts, indent=1) + "\n", encoding="utf-8")
    page = write_page(folder / "index.html", build_page(digits, photographs, shapes, pictures, facts))
    console.print(
        f"Done in {facts['seconds']:.0f} s. The page: [bold]{page}[/bold]", highlight=False, soft_wrap=True
    )
    return page
