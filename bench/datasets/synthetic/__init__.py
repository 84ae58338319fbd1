"""The built-in datasets: images that are drawn, the same everywhere, by generators without data."""

__all__ = ["generators"]
