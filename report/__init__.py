"""The website: pages of prose and short cells, and the functions that these call; it reads the store alone."""
