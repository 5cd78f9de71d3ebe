"""Torch modules and functions that several models share; torch only.

padding.py      which steps lie inside their series
masking.py      how many entries are hidden, visible tokens alone and back, means over masked entries
patch.py        series cut into patches, and back
position.py     sine and cosine position codes
transformer.py  pre-norm Transformer over steps
overlap.py      long series in overlapping windows, and back
"""
