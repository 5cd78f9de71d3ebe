"""Classification tables: the UCR and UEA archives, and the ablations of TS2Vec.

tables.py      the tables, their options and cells
evaluate.py    one cell: from the files of a data set to the accuracy
methods.py     what is compared: TS2Vec, the untrained network, the baselines
baselines.py   nearest neighbours and MultiRocket
ablation.py    the variants of the paper's ablation table, and its claims
accuracy.py    means over seeds, ranks, wins, published numbers
summary.py     from result lines to the pages
figures.py     critical-difference diagram, scatter plots, differences of the ablations
"""
