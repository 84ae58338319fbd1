"""A study for runs by several processes, and how their results are compared."""

STUDY = """
datasets = ["tiny"]
models = ["mean-colour", "efficientnet-lite0-lower", "cnn-shallow"]
[protocol]
folds = 2
repeats = 2
[recipe]
image_size = 64
epochs = 6
"""
TRIALS = 3 * 4
PREDICTIONS = "select trial_id, subset, image_id, probabilities from predictions order by all"
