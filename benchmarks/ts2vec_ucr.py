"""UCR archive, univariate: TS2Vec against the untrained network, 1-NN Euclidean, 1-NN DTW and MultiRocket.

Source       Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022, tables of the appendix;
             the published column holds the 64 numbers that were verified (ML Reproducibility Challenge 2022, table 6).
Command      TSREP_DATA=... python benchmarks/ts2vec_ucr.py
             (the same as `tsrep bench ucr --all --max-length 600 --workers 2`, then five seeds on the 15 smallest sets)
Expectation  mean accuracy at most 0.01 below the paper's, on the sets that both have.
Time         about 2 hours of one core for TS2Vec with one seed, 1 hour for the baselines.
Result       benchmarks/results/ucr/table.md
"""

from tsrep.bench.commands import app

if __name__ == "__main__":
    app(["ucr", "--all", "--max-length", "600", "--workers", "2"], standalone_mode=False)
    app(["ucr", "--all", "--smallest", "15", "--seeds", "5", "--workers", "2"], standalone_mode=False)
