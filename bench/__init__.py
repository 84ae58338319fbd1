"""Trains every dataset × model × split and appends every prediction to the results store."""

import os

# Threads of torch that wait for each other burn the core that the others need: two runs on one machine then take forty
# times as long. A thousand turns, a few microseconds, cost a run that is alone little. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
