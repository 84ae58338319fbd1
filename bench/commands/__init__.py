"""What the subcommands of `bench` parse and print; the work is done elsewhere."""

from bench.commands.dataset import DataOption
from bench.commands.store import DEFAULT_STORE, StoreOption, option

__all__ = [
    "DEFAULT_STORE",
    "DataOption",
    "StoreOption",
    "advice",
    "answers",
    "cells",
    "dataset",
    "exporting",
    "failing",
    "keeping",
    "model",
    "option",
    "pictures",
    "predict",
    "printing",
    "progress",
    "reproduce",
    "site",
    "store",
    "writing",
]
