"""Layers that several families build with. They need torch; families import them when they build."""
