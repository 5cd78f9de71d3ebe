"""Anomaly detection on public archives: TS2Vec's scores against the untrained network and four simple detectors.

Source       Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022, section 4.3, for the
             score `hidden`, the alarms and the delay-adjusted F1; Paparrizos, Boniol et al., VLDB 2022, for VUS-PR; Wu
             and Keogh, 2021, for whether the highest score is near the anomaly.
Command      TSREP_DATA=... python benchmarks/anomaly.py
             (the same as `tsrep bench anomaly --all`, shortest series first; a stopped run continues)
Expectation  a score of the trained encoder has the best VUS-PR, mean over the means of KPI, NAB and UCR; on UCR the
             highest score is within 100 steps of the anomaly in 80 % of the series.
Time         one minute of one core per 17,000 steps for all methods: about 6 hours for the 24 series of KPI.
Result       benchmarks/results/anomaly/table.md, which lists what was run
"""

from tsrep.bench.commands import app

if __name__ == "__main__":
    app(["anomaly", "--all", "--shortest-first"], standalone_mode=False)
