-- One row for each finished trial, subset, class and class that it was taken for; only pairs that occur.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- subset: `test` or `holdout`
-- current: whether a study's newest plan wants the trial
-- label: the class that the images belong to
-- predicted: the class that they were taken for
-- images: how many
create view confusion as
select p.trial_id, p.dataset, p.model, p.recipe, p.repeat, p.fold, p.subset, t.current, p.label, p.predicted,
    count(*) as images
from predictions p join trials t using (trial_id, dataset, model)
group by all;
