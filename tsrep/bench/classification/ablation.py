"""The ablation table of TS2Vec (Yue et al., AAAI 2022, section 5) and a verdict on each of its claims.

Every variant changes one thing of the full model. The paper's claim is the same for all but one: the change costs
accuracy. (The continuous mask is mentioned in the authors' code only, and nothing is claimed for it.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tsrep.metrics import holm, wilcoxon_p

FULL = "full"


@dataclass(frozen=True)
class Variant:
    """`label` as in the paper's table, the keywords of `TS2Vec`, and the claim it tests ("" where there is none)."""

    label: str
    settings: Mapping[str, Any]
    claim: str = ""


VARIANTS: dict[str, Variant] = {
    FULL: Variant("TS2Vec", {}),
    "no-temporal-contrast": Variant("w/o temporal contrast", {"alpha": 1.0}, "temporal contrast helps"),
    "no-instance-contrast": Variant("w/o instance contrast", {"alpha": 0.0}, "instance-wise contrast helps"),
    "no-hierarchy": Variant(
        "w/o hierarchical contrast", {"hierarchical": False}, "contrast at several scales helps"
    ),
    "no-cropping": Variant("w/o random cropping", {"crop": False}, "random cropping helps"),
    "no-masking": Variant("w/o timestamp masking", {"mask": "all_true"}, "timestamp masking helps"),
    "no-projection": Variant(
        "w/o input projection layer", {"input_projection": False}, "masking behind an input projection helps"
    ),
    "temporal-consistency": Variant(
        "contextual -> temporal consistency",
        {"positive_pairs": "temporal"},
        "contextual consistency selects better positive pairs than temporal consistency",
    ),
    "subseries-consistency": Variant(
        "contextual -> subseries consistency",
        {"positive_pairs": "subseries"},
        "contextual consistency selects better positive pairs than subseries consistency",
    ),
    "jitter": Variant("+ jitter", {"augmentation": "jitter"}, "adding jitter harms"),
    "scaling": Variant("+ scaling", {"augmentation": "scaling"}, "adding scaling harms"),
    "permutation": Variant("+ permutation", {"augmentation": "permutation"}, "adding permutation harms"),
    "lstm": Variant(
        "dilated convolutions -> LSTM", {"backbone": "lstm"}, "dilated convolutions beat an LSTM"
    ),
    "transformer": Variant(
        "dilated convolutions -> Transformer",
        {"backbone": "transformer"},
        "dilated convolutions beat a Transformer",
    ),
    "continuous-mask": Variant("binomial -> continuous mask", {"mask": "continuous"}),
}


def ablation_table(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Mean accuracy of each variant beside the full model's on the same sets.

    `accuracies` has one row per data set and one column per variant (means over seeds), NaN where not measured; a
    column "full" is needed. p-values are two-sided Wilcoxon signed-rank tests over the sets, corrected by Holm.
    """
    if FULL not in accuracies:
        raise ValueError(f"accuracies has the columns {list(accuracies)}; wanted {FULL!r} among them")
    rows = []
    for name in [name for name in VARIANTS if name in accuracies]:
        both = accuracies[[FULL, name]].dropna() if name != FULL else accuracies[[FULL]].dropna()
        difference = (both[name] - both[FULL]).to_numpy()
        rows.append(
            {
                "variant": name,
                "label": VARIANTS[name].label,
                "sets": len(both),
                "mean_accuracy": both[name].mean(),
                "full_mean_accuracy": both[FULL].mean(),
                "difference": difference.mean() if len(both) else np.nan,
                "lower": int(np.sum(difference < 0)),
                "higher": int(np.sum(difference > 0)),
                "equal": int(np.sum(difference == 0)),
                "p": np.nan if name == FULL or not len(both) else wilcoxon_p(both[name], both[FULL]),
            }
        )
    table = pd.DataFrame(rows).set_index("variant")
    tested = table["p"].notna()
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].to_numpy())
    return table.reindex(columns=[*[c for c in table if c != "p_holm"], "p_holm"])


def claims(table: pd.DataFrame, level: float = 0.05) -> list[str]:
    """One sentence for each claim of the paper that `ablation_table` has measured: does it hold here?

    A claim holds where the mean over the sets agrees and the Holm-corrected p is below `level`; it is undecided where
    the p is not, and does not hold where the mean moves the other way and the p is below `level`.
    """
    sentences = []
    for name, row in table.iterrows():
        claim = VARIANTS[str(name)].claim
        if not claim or not row["sets"]:
            continue
        if row["p_holm"] >= level:
            way = "the paper's way" if row["difference"] < 0 else "the other way"
            verdict = (
                f"undecided here (the mean points {way})"
                if row["difference"]
                else "undecided here (no difference)"
            )
        else:
            verdict = "holds here" if row["difference"] < 0 else "does not hold here"
        sentences.append(
            f"{claim[0].upper()}{claim[1:]}: {verdict}; {row['label']} scores {row['mean_accuracy']:.3f} against "
            f"{row['full_mean_accuracy']:.3f} of the full model over {row['sets']} sets ({row['difference']:+.3f}; "
            f"lower on {row['lower']}, higher on {row['higher']}, equal on {row['equal']}; p = {row['p_holm']:.3g})."
        )
    return sentences
