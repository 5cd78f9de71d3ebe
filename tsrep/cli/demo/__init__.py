"""The demonstration behind `tsrep demo`: TS2Vec and its siblings on small bundled data sets, ending in one HTML page.

classification.py   train on a labelled set, score against the untrained encoder and the raw values
masked.py           hide parts of series and rebuild them, score the encoder that learned it
recording.py        train on one long recording, encode it step by step
heartbeats.py       forecast that recording, and find its abnormal stretch
gaps.py             fill gaps, against simple rules
results.py          what all of these gave
page.py             figures and the page
run.py              the whole demonstration, with progress on the terminal
command.py          the command `tsrep demo`
"""
