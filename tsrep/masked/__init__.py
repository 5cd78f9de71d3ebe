"""Masked prediction for series: MAE, SimMIM and MaskFeat (CVPR 2022), with what is hidden and predicted as switches.

In reading order:

masks.py          which observed values a training step hides
targets/          what is predicted of them
network.py        what the networks have in common: frames, normalisation, heads
patches.py        patches to tokens, and a Transformer over them
patch_network.py  the patch Transformer as an encoder of series
mae.py            MAE: the encoder sees visible patches only
simmim.py         SimMIM: hidden patches are replaced within the encoder, a Transformer or a network over steps
generator.py      SSGAN's generator as a masked model
objective.py      the loss of a batch
joint.py          TS2Vec's contrast from the same masked views
references.py     the losses that a masked model's is to be compared with
rebuild.py        values in the places of hidden and missing ones
recipe.py         the recipes, and ranges of the parameters
build.py          the network for the parameters
estimator.py      `MaskedSeriesEncoder`
"""
