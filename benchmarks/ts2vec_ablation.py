"""The ablation table of TS2Vec on the 15 smallest UCR sets, three seeds, and a verdict on each of the paper's claims.

Source       Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022, section 5 (on 128 sets).
Command      TSREP_DATA=... python benchmarks/ts2vec_ablation.py
             (the same as `tsrep bench ts2vec-ablation --workers 2`)
Expectation  each change to the full model lowers the mean accuracy.
Time         about 8 hours of one core: 15 variants x 15 sets x 3 seeds at 40 s. Seeds run one after another, so the
             table is complete, with one seed, after a third of the time.
Result       benchmarks/results/ts2vec-ablation/table.md
"""

from tsrep.bench.commands import app

if __name__ == "__main__":
    app(["ts2vec-ablation", "--workers", "2"], standalone_mode=False)
