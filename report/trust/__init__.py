"""When to believe a model, from stored predictions: rows of the store in, verdicts with intervals out."""
