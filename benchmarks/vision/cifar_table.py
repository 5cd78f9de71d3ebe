"""The tables and figures of the study of pre-training on CIFAR-10, made of its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.vision.cifar_models import (
    ALL_PIXELS,
    PIXELS,
    PLAIN,
    PRETRAINING,
    RATIOS,
    TEACHER,
    TUNING,
    UNTRAINED,
    ratio_name,
)
from benchmarks.vision.cifar_task import DRAWN, TEST, VALIDATION, Pictures, best, choose, load_pictures
from tsrep.bench.pages import Section, Summary, conditions, seeds_of
from tsrep.plots.style import INK, appearance, bare, new_figure

Key = tuple[str, str]
"""A method and a variant."""

SCORES = {"probe": "linear probe", "finetuned": "fine-tuned, 10 % of labels"}
NAMES = {"mae": "MAE", "simmim": "SimMIM", "maskfeat": "MaskFeat"}
ASKED = 0.05  # of the probe above that of random weights
COVER = 190  # grey of a hidden pixel


@dataclass(frozen=True)
class Question:
    """A table: what its rows are, and which row each is compared with."""

    heading: str
    rows: dict[str, Key]
    references: dict[str, str]


QUESTIONS = (
    Question(
        "Pre-trained against random weights",
        {
            **{name: (method, PLAIN) for method, name in NAMES.items()},
            **{f"{name}, random weights": (method, UNTRAINED) for method, name in NAMES.items()},
        },
        {name: f"{name}, random weights" for name in NAMES.values()},
    ),
    Question(
        "Mask ratio of MAE, against 0.75",
        {f"{ratio:g}": ("mae", ratio_name(ratio)) for ratio in RATIOS},
        {f"{ratio:g}": "0.75" for ratio in RATIOS if ratio_name(ratio) != PLAIN},
    ),
    Question(
        "Target of MaskFeat, against HOG",
        {"HOG": ("maskfeat", PLAIN), "pixels": ("maskfeat", PIXELS), "teacher (MAE)": ("maskfeat", TEACHER)},
        {"pixels": "HOG", "teacher (MAE)": "HOG"},
    ),
    Question(
        "Loss on all pixels, against hidden ones",
        {
            f"{NAMES[method]}, {where}": (method, variant)
            for method in ("mae", "simmim")
            for where, variant in (("hidden", PLAIN), ("all", ALL_PIXELS))
        },
        {f"{NAMES[method]}, all": f"{NAMES[method]}, hidden" for method in ("mae", "simmim")},
    ),
)


def summarise(lines: Sequence[Mapping[str, Any]], pictures: Path) -> Summary:
    """What the finished cells amount to. `pictures` is the folder of the reconstructions."""
    frame = pd.DataFrame(lines)
    on_test = frame[frame["dataset"] == TEST]
    numbers = compared(on_test) if len(on_test) else pd.DataFrame()
    sections: list[Section] = []
    figures: dict[str, Figure] = {}
    notes = [
        "Top-1 accuracy in percent, mean and standard deviation over the seeds; differences are taken between the same "
        "seeds, in points, with their standard errors. Learning rates are chosen on a fifth of the training part. The "
        "images are JPEG copies of a part of CIFAR-10: compare rows, not papers."
    ]
    if len(on_test):
        sections += [
            (q.heading, as_text(of_question(numbers, q))) for q in QUESTIONS if q.heading in numbers.index
        ]
        figures = drawn(numbers, pictures)
        steps, train, test = (
            "/".join(f"{int(number):,}" for number in sorted(set(on_test[name]) - {0}))
            for name in ("steps", "train_images", "test_images")
        )
        notes += [
            *asked(numbers),
            f"Seeds {seeds_of(on_test)}; {train} images for training and {test} for testing; pre-training of {steps} "
            "steps.",
        ]
    if "reconstructions.png" in figures:
        notes.append(
            "Reconstructions: hidden pixels are predictions, visible ones the image's own. A better picture is no sign "
            "of a better probe. Where MAE's target is normalised, each true patch lends its mean and its variance."
        )
    sections.append(("Candidates on the validation part, the chosen ones in bold", candidates(lines)))
    return Summary([*notes, conditions(frame)], sections, numbers, figures)


def compared(lines: pd.DataFrame) -> pd.DataFrame:
    """Means, spreads and paired differences as shares: one row per question and row of it that was measured."""
    measured = {
        key: own.set_index("seed")[list(SCORES)].astype(float)
        for key, own in lines.groupby(["method", "variant"])
    }
    rows = {}
    for question in QUESTIONS:
        for name, key in question.rows.items():
            if key not in measured:
                continue
            own = measured[key]
            row: dict[str, float] = {"seeds": len(own)}
            reference = question.rows.get(question.references.get(name, ""))
            for score in SCORES:
                row |= {score: own[score].mean(), f"{score}_std": own[score].std()}
                if reference in measured:
                    paired = (own[score] - measured[reference][score]).dropna()
                    row[f"{score}_difference"] = paired.mean()
                    row[f"{score}_difference_error"] = (
                        paired.std() / len(paired) ** 0.5 if len(paired) else np.nan
                    )
            rows[question.heading, name] = row
    columns = [
        f"{score}{part}" for score in SCORES for part in ("", "_std", "_difference", "_difference_error")
    ]
    frame = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=["seeds", *columns])
    return frame.set_axis(pd.MultiIndex.from_tuples(list(rows), names=["question", "row"]))


def of_question(numbers: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The rows of `compared` that belong to one question."""
    return numbers.loc[[question.heading]].droplevel("question")


def as_text(numbers: pd.DataFrame) -> pd.DataFrame:
    """The numbers of one question as a reader sees them: percent."""
    shown = pd.DataFrame({"seeds": numbers["seeds"].map("{:.0f}".format)}, index=numbers.index)
    for score, heading in SCORES.items():
        columns = zip(numbers[score], numbers[f"{score}_std"], strict=True)
        shown[heading] = [percent(mean, std) for mean, std in columns]
        columns = zip(numbers[f"{score}_difference"], numbers[f"{score}_difference_error"], strict=True)
        shown[f"{heading}: difference"] = [percent(mean, error, "+") for mean, error in columns]
    return shown.rename_axis(None)


def percent(value: float, spread: float, sign: str = "") -> str:
    """ "43.2 ± 0.5" of 0.432 and 0.005; without a spread where there is none, and empty without a value."""
    if np.isnan(value):
        return ""
    return f"{100 * value:{sign}.1f}" + ("" if np.isnan(spread) else f" ± {100 * spread:.1f}")


def asked(numbers: pd.DataFrame) -> list[str]:
    """One sentence on each method's linear probe against the five points that are asked."""
    heading = QUESTIONS[0].heading
    said = []
    for name in NAMES.values():
        gain = numbers["probe_difference"].get((heading, name), np.nan)
        if not np.isnan(gain):
            verdict = f"{100 * ASKED:.0f} asked, {'met' if gain >= ASKED else 'missed'}"
            said.append(f"{name}: the probe is {100 * gain:+.1f} points above random weights; {verdict}.")
    return said


def candidates(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Accuracies in percent on the validation part, a row per method and candidate."""
    found = {(line["method"], line["variant"]): line for line in lines if line["dataset"] == VALIDATION}
    finished = choose(lines)
    rows = {}
    for method, own in PRETRAINING.items():
        for names, score in ((own, "probe"), (TUNING, "finetuned")):
            winner = best(found, method, names, score) if method in finished else None
            for name in names:
                if (method, name) in found:
                    text = f"{100 * found[method, name][score]:.1f}"
                    rows[f"{NAMES[method]}, {name}"] = [
                        SCORES[score],
                        f"**{text}**" if name == winner else text,
                    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["score", "accuracy"])


def drawn(numbers: pd.DataFrame, pictures: Path) -> dict[str, Figure]:
    """The figures for which there are measurements, by file name."""
    figures = {}
    ratios = QUESTIONS[1]
    if sum((ratios.heading, name) in numbers.index for name in ratios.rows) > 1:
        figures["mask-ratio.png"] = draw_ratios(of_question(numbers, ratios))
    saved = {key: found for key in DRAWN if (found := load_pictures(pictures, *key)) is not None}
    if saved:
        figures["reconstructions.png"] = draw_reconstructions(saved)
    return figures


def draw_ratios(numbers: pd.DataFrame) -> Figure:
    """Both accuracies against the share that is hidden."""
    figure = new_figure(5.6, 3.4)
    ax = figure.subplots()
    hidden = [100 * float(name) for name in numbers.index]
    for number, (score, label) in enumerate(SCORES.items()):
        colour, marker = appearance(number)
        spread = 100 * numbers[f"{score}_std"].fillna(0)
        ax.errorbar(hidden, 100 * numbers[score], spread, color=colour, marker=marker, capsize=3, label=label)
    ax.set_xlabel("hidden in pre-training (%)")
    ax.set_ylabel("top-1 accuracy (%)")
    ax.set_title("MAE on CIFAR-10 images", loc="left")
    bare(ax, grid="y")
    ax.legend(frameon=False, fontsize=9, labelcolor=INK)
    return figure


def draw_reconstructions(saved: Mapping[Key, Pictures]) -> Figure:
    """A row per image: the original, and for each method what was visible, then what each loss made of it."""
    first = next(iter(saved.values()))
    columns = [("original", first.original)]
    for method, name in NAMES.items():
        own = {variant: found for (other, variant), found in saved.items() if other == method}
        for masked in list(own.values())[:1]:  # the models of a method share their masks
            visible = np.where(masked.hidden, np.uint8(COVER), masked.original)
            columns.append((f"{name}:\nvisible", visible))
        for variant, found in own.items():
            where = "all pixels" if variant == ALL_PIXELS else "hidden pixels"
            rebuilt = np.where(found.hidden, found.rebuilt, found.original)
            columns.append((f"{name}: loss\non {where}", rebuilt))
    figure = new_figure(1.15 * len(columns), 1.1 * len(first.original) + 0.4)
    panels = figure.subplots(len(first.original), len(columns), squeeze=False)
    for column, (title, images) in enumerate(columns):
        for row, image in enumerate(images):
            panels[row, column].imshow(image.transpose(1, 2, 0), interpolation="nearest")
            panels[row, column].set_axis_off()
        panels[0, column].set_title(title, fontsize=8, color=INK)
    figure.set_layout_engine("constrained", w_pad=0.015, h_pad=0.015)
    return figure
