-- One row for each image of a frozen backbone's cell: the images that look most like it to the backbone; captured with the first trial.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model whose backbone and layers these are
-- recipe: name of the recipe
-- image_id: the image
-- label: its class
-- nearest: ids of the five images whose features point in the most similar direction, the most similar first
-- likeness: the cosine of the angle to each of them
create view neighbours as
select a.trial_id, a.dataset, a.model, a.recipe, a.image_id, a.label, a.nearest, a.likeness
from raw_activations a
where a.nearest is not null;
