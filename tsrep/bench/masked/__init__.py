"""Masked time-series models: which masks, decoders, losses and targets give representations that are worth having.

studies.py   the protocol: what is compared, on which sets, with which seeds
task.py      the sets and why they were chosen, and one of them as a method gets it
methods.py   from a configuration to features: encoders, raw values, random kernels
peers.py     random kernels of aeon, in another interpreter
measures.py  what features are worth: retrieval, clustering, few labels, all labels
filling.py   error on hidden values, beside straight lines and the mean
evaluate.py  one cell: a configuration on a set with a seed
tables.py    the table, its options and cells
averages.py  means over sets, spread over seeds, differences and their standard errors
sections.py  the tables of the page, one function per question
summary.py   from result lines to the page
figures.py   its figures
"""
