"""The same mathematics as in `tsrep/ts2vec`, in less time and memory. Each file names its definition.

Causal windows, defined in `tsrep/encoding/windows.py`:

causal.py          chooses one of the following for a device and a size
window_encoder.py  all windows of a long series, in a hundredth of the work of encoding each
point.py           one window of a live series, in buffers allocated once
replay.py          many windows on a GPU, in tiles captured as CUDA graphs

Training, defined in `ts2vec/loss.py` and `ts2vec/objective.py`:

tiled.py           the hierarchical loss and its gradient, in tiles
levels.py          lengths and weights of that loss's levels, as tensors
planned.py         a training step whose randomness is drawn beforehand, for CUDA graphs
triton/            convolution, dropout, loss and residual block as GPU kernels
"""
