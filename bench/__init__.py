"""Trains every dataset × model × split and appends every prediction to the results store."""
