"""Your own site from your own repository: the two files that such a repository needs beside its store."""

from report.own.starting import ExistsError, start

__all__ = ["ExistsError", "start"]
