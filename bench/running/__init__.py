"""A run: the trials that are missing, shared among processes and machines, trained and appended."""
