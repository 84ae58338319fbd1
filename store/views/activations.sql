-- What a network makes of three images of each class that it never trained on; captured after the first trial of a cell, for the trained network and for the same network with random weights.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- image_id: the image
-- label: its class
-- weights: `trained`, or `random` for the same network before any training, against which the maps are checked
-- layer: name of the middle layer
-- maps: number of its maps (channels) kept; 0 for random weights
-- height: of a map, in pixels
-- width: of a map, in pixels
-- values: maps × height × width bytes, each map scaled from its `low` to its `high`
-- low: smallest value of each map
-- high: largest value of each map
-- mean_map: height × width bytes, the mean absolute value of all maps of the middle layer between its own extremes; null in older parts
-- deepest: name of the layer whose maps Grad-CAM weighs
-- explained: the class that Grad-CAM explains, which is the one that the trained network predicts
-- grad_cam: 28 × 28 bytes, 255 where the image speaks most for that class (Selvaraju et al. 2017)
-- thumbnail: a small JPEG of the image, where its card allows showing it
create view activations as
select
    a.trial_id, a.dataset, a.model, a.recipe, a.image_id, a.label, coalesce(a.weights, 'trained') as weights, a.layer,
    a.maps, a.height, a.width, a.values, a.low, a.high, a.mean_map, a.deepest, a.explained, a.grad_cam, a.thumbnail
from raw_activations a
where a.layer is not null;
