"""From an archive at its source to class folders that are whole and the right ones."""

__all__ = ["checking", "fetching"]
