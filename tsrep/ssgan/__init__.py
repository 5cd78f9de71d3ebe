"""SSGAN (Miao et al., AAAI 2021): imputation by a generator that a discriminator and a classifier drive, few labels."""
