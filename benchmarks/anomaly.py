"""Anomaly detection on public archives: TS2Vec's scores against the untrained network and four detectors without any.

Source       Yue et al., "TS2Vec: Towards Universal Representation of Time Series", AAAI 2022, section 4.3, for the
             score `hidden`, the alarms and the delay-adjusted F1; Paparrizos, Boniol et al., VLDB 2022, for VUS-PR; Wu
             and Keogh, 2021, for the question whether the strangest step lies near the anomaly.
Command      TSREP_DATA=... python benchmarks/anomaly.py
             (the same as `tsrep bench anomaly --all`, shortest series first; it can be stopped and goes on)
Expectation  a score of the trained encoder has the best VUS-PR, mean over the means of KPI, NAB and UCR; on UCR the
             strangest step lies within 100 of the anomaly in 80 % of the series.
Time         a minute of one core for 17,000 steps and all methods, so about 6 hours for the 24 series of KPI.
Result       benchmarks/results/anomaly/table.md, which says what was run and what not
"""

from tsrep.bench.commands import app

if __name__ == "__main__":
    app(["anomaly", "--all", "--shortest-first"], standalone_mode=False)
