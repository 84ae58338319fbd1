-- What a middle layer answers to one image of each class; captured after the first trial of a cell.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- image_id: the image
-- label: its class
-- layer: name of the layer
-- maps: number of maps (channels) kept
-- height: of a map, in pixels
-- width: of a map, in pixels
-- values: maps × height × width bytes, each map scaled from its `low` to its `high`
-- low: smallest value of each map
-- high: largest value of each map
-- thumbnail: a small JPEG of the image, where its card allows showing it
create view activations as
select
    a.trial_id, a.dataset, a.model, a.recipe, a.image_id, a.label, a.layer, a.maps, a.height, a.width,
    a.values, a.low, a.high, a.thumbnail
from raw_activations a;
