"""How time passes and gradients apply: one loop owns time, one step per paper owns gradients. Knows no model."""
