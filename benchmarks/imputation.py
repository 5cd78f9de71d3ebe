"""Imputation: `SSGANImputer` against interpolation, scikit-learn's imputers and the networks of PyPOTS.

Source       Miao et al., "Generative Semi-supervised Learning for Multivariate Time Series Imputation", AAAI 2021 (the
             numbers of its tables, as quoted by a later paper), and TSI-Bench (Du et al., 2024, tables of the
             appendix); both in tsrep/bench/imputation/published.csv.
Command      TSREP_DATA=... python benchmarks/imputation.py [interpreter with PyPOTS]
Expectation  linear interpolation on ETTh1: 0.200 (10 % removed) and 0.268 (50 %); TSI-Bench has 0.197 and 0.267.
             Iterative imputer with lags there: 0.123 and 0.34. The default imputer below 0.105 and 0.16 there, 0.27
             and 0.34 on BasicMotions, 0.68 of linear on PhysioNet 2012, 0.89 and 0.85 of linear on Beijing.
Time         the rules and scikit-learn's imputers: half an hour of one core; each network: minutes on the small sets,
             an hour or more on PhysioNet and Beijing.
Result       benchmarks/results/imputation/table.md
"""

import sys

from tsrep.bench.commands import app

RULES = ["--methods", "mean,locf,linear,knn,iterative,iterative-lags"]
NETWORKS = ["--methods", "ssgan,ssgan-paper"]
PEERS = ["--methods", "saits,brits,usgan", "--python"]

if __name__ == "__main__":
    app(["imputation", "--seeds", "5", *RULES], standalone_mode=False)
    other = ["--variants", "block50,channel20,mcar30,mcar70,mcar90"]
    app(["imputation", *other, "--methods", "mean,locf,linear"], standalone_mode=False)
    for sets, seeds in ((["ETTh1", "BasicMotions"], "5"), (["PhysioNet2012", "Beijing", "KDD2018"], "1")):
        app(["imputation", *sets, "--seeds", seeds, *NETWORKS], standalone_mode=False)
        if sys.argv[1:]:
            app(["imputation", *sets, "--seeds", seeds, *PEERS, sys.argv[1]], standalone_mode=False)
