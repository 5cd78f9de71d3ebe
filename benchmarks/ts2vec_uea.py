"""UEA archive, multivariate: TS2Vec against the untrained network, 1-NN Euclidean, 1-NN DTW and MultiRocket.

Source       Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022. No published number was
             verified, so the table has no published column.
Command      TSREP_DATA=... python benchmarks/ts2vec_uea.py
             (the same as `tsrep bench uea --all --workers 2`)
Expectation  above the untrained network and 1-NN on average.
Time         about 1 hour of one core for TS2Vec with one seed, most of it for StandWalkJump (2,500 steps).
Result       benchmarks/results/uea/table.md
"""

from tsrep.bench.commands import app

if __name__ == "__main__":
    app(["uea", "--all", "--workers", "2"], standalone_mode=False)
