"""A card comes, is kept true, and goes: adding, updating, looking after and removing datasets."""
