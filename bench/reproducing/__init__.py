"""Training again what a store says, and how far what comes out is from it."""

__all__ = ["cells", "comparing", "training"]
