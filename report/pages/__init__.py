"""A module for each page, named as its `.qmd`."""
