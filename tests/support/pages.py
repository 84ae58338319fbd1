"""The pages of a site, by the names of its datasets."""


def pages(*datasets: str) -> tuple[str, ...]:
    """Every page of a site, in the order in which its menu has them."""
    of_datasets = (f"datasets/{name}.html" for name in datasets)
    rest = ("models", "activations", "compare", "conclusions", "trust", "sql", "methods")
    return ("index.html", "datasets.html", *of_datasets, *(f"{name}.html" for name in rest))
