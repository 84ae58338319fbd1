"""How fast cells are trained, beside the original study's way of training."""
