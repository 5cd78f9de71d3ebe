"""One file per published table; measured results are under `results/`."""
