"""The same mathematics as the files above, in less time and memory. Each file says what defines it.

causal.py    which of the following encodes windows that look back (defined in `tsrep/encoding/windows.py`)
windows.py   every window of a long series, in a hundredth of the work of encoding each
point.py     one window, for a live series, in buffers that are made once
replay.py    many windows on a GPU, in tiles that are captured as CUDA graphs
tiled.py     the hierarchical loss and its gradient in tiles (defined in `ts2vec/loss.py`)
levels.py    what that loss depends on beside the representations, as tensors
planned.py   a training step whose randomness is drawn beforehand, for CUDA graphs (defined in `ts2vec/objective.py`)
triton/      convolution, dropout and loss as GPU kernels
"""
