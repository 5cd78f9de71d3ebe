"""TS2Vec (Yue et al., AAAI 2022): contrastive representations of time series at any granularity."""
