"""One file for each published table, and what was measured under `results/`."""
