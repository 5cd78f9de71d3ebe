"""Imputation tables: errors on held-out values, classification after imputation, and distributions on toy data.

tables.py      the tables, their options and cells
task.py        what a method is given and what it gives back; the patterns in which values are taken away
evaluate.py    one cell: from the file of a set to the errors on its held-out values
methods.py     what is compared: rules, scikit-learn's imputers, `SSGANImputer` and its variants
rules.py       last value and linear interpolation
rows.py        scikit-learn's imputers on rows of simultaneous values
ssgan.py       `SSGANImputer` as a method
peers.py       networks of PyPOTS in an interpreter of their own
errors.py      means over seeds, ratios, aims, published numbers, verdicts
summary.py     from result lines to the pages
downstream.py  the table of classification after imputation
toy.py         the table of imputed against true conditional distributions
"""
