-- One row for each image that a finished trial was asked about.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- subset: `test` (the fold that the trial did not train on) or `holdout`
-- image_id: the image, as `<class>/<file name>`
-- label: the class it belongs to
-- predicted: the class with the highest probability
-- probabilities: one for each class, in the order of the trial's `classes`
create view predictions as
select
    p.trial_id, p.dataset, p.model, p.recipe, p.repeat, p.fold, p.subset, p.image_id, p.label, p.predicted,
    p.probabilities
from raw_predictions p;
