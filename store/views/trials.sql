-- One row a trial: a training run of a model on one split of a dataset with one recipe.
-- Where a trial ran more than once, the last finished run shows, and a failed one only if none was finished.
--
-- trial_id: identity; a hash of everything that determines the result
-- attempt_id: which run of the trial this row is
-- cell_id: identity of all that the trials of a cell share
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe, made from its content
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- status: `done` or `failed`
-- error: why a failed trial failed
-- current: whether a study's newest plan wants it; false for a stale trial, which stays readable
-- recipe_json: the recipe's fields
-- protocol_json: the protocol's fields
-- dataset_hash: identity of the dataset's content
-- split_hash: identity of the split
-- model_version: version of the model's code
-- weights: where the model's first weights come from
-- classes: class names, in the order of the probabilities
-- train_images: images trained on
-- test_images: images of the test fold
-- holdout_images: images of the holdout
-- mean: mean of each channel outside the holdout, as a fraction
-- std: standard deviation of each channel outside the holdout, as a fraction
-- loss: mean training loss of each epoch
-- accuracy: mean training accuracy of each epoch, on class-balanced draws
-- seconds: seconds of training, with the trial's share of frozen features that were computed for it
-- images_trained: training images that passed through, with repetition
-- images_per_second: `images_trained` over `seconds`
-- peak_memory: bytes that the process had taken at most by then; on a GPU, that its tensors took there; null before schema 3
-- parameters_trained: weights that were trained
-- parameters_frozen: weights that were not
-- device: what it ran on
-- versions_json: versions of Python and the libraries, and this project's commit where it is known
-- finished_at: when the trial was finished, in UTC
-- parts: the files that hold its predictions and activations, with their SHA-256, and how many of their rows are its own
create view trials as
select
    trial_id, attempt_id, cell_id, dataset, model, recipe, repeat, fold, status, error,
    trial_id in (select trial_id from current_plans) as current,
    recipe_json, protocol_json, dataset_hash, split_hash, model_version, weights, classes,
    train_images, test_images, holdout_images, mean, std, loss, accuracy,
    seconds, images_trained, images_trained / nullif(seconds, 0) as images_per_second, peak_memory, parameters_trained, parameters_frozen, device, versions_json, finished_at, parts
from raw_trials;
