"""TS2Vec (Yue et al., AAAI 2022): contrastive representations of time series at any granularity.

The paper, in reading order:

encoder.py      section 3.1: input projection, timestamp mask and dilated convolutions
convolution.py  its building block: GELU and a dilated convolution of three taps
crops.py        section 3.2: two overlapping random crops per series
masks.py        section 3.2: timestamp masks
loss.py         section 3.3, equations 1 to 3 and algorithm 1: the hierarchical contrastive loss
objective.py    the loss of a batch: crop, mask, encode, contrast
estimator.py    `TS2Vec`: panels in, representations out

What the paper compares with, and services:

augment.py      augmentations of the ablation (jitter, scaling, permutation)
backbones.py    backbones of the ablation (LSTM, Transformer)
build.py        the encoder for the constructor's parameters
official.py     loads checkpoints of the authors' code
exportable.py   the encoder in operations that exporters know
fast/           the same mathematics in less time and memory, and as GPU kernels
"""
