"""What every encoder of time series is, whatever it learns from.

estimator.py  `SeriesRepresentation`: training and saving; a subclass gives a network and an objective
representation.py  what a fitted one gives: transform, encode, encode_causal, encode_to_file, online, export
backbone.py   the interface of a backbone: required and optional members
encoder.py    `SeriesEncoder`: input projection, mask and backbone; series with gaps to one vector per step
training.py   from series to a trained encoder
finetune.py   an encoder and a linear head, trained together with labels or targets; finetuned.py what both have in
              common, head.py the network and which of its weights are kept
read_out.py   one vector per series: statistics over time of the layers' outputs
pooling.py    the statistics, and pooling over windows around each step
batches.py    encoding many series in batches that fit the processor's cache
windows.py    each step from the steps before it: the definition, and the choice of a fast way
online.py     the same for a live series, point by point
inference.py  a fitted network over panels: the choice between memory, blocks and stretches
by_blocks.py  results of panels that do not fit in memory; pieces.py what is trained on of them
long.py       stretches of long series, exactly as within the whole; running.py the read-out of what is not kept
export.py     an encoder as an ONNX model or a torch.export archive

Shapes: B instances, T steps, C channels of the input, H channels of the latent, D components of a representation.
"""
