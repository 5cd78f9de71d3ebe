"""How time passes and how gradients apply: one loop owns time, one step per method owns gradients. Knows no model.

batches.py     `Batches`: which instances come together, a function of seed and epoch
blocks.py      `BlockBatches`: the same of instances on a disk, shuffled by blocks
schedule.py    learning rates as functions of the step
optimised.py   `Optimised`: a network and the optimiser that moves it
average.py     the running mean of a network's weights
step.py        `Descent`: one update of the weights from one batch
loop.py        `fit`: the training loop, its clock and its guard against losses that are not finite
hooks.py       hooks of the loop: record, show, validate, stop early, save a checkpoint
run.py         `Run`: where a training stands
checkpoint.py  tensors and JSON as a folder, written whole or not at all
runtime.py     device, precision and processes, by Lightning Fabric
processes.py   `Processes`: one training in several processes, each with its rows of every batch
cuda_graph.py  CUDA graphs: a step captured once and replayed with one launch
memory.py      freed memory goes back to the system
"""
