-- One row for each finished trial and subset.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- subset: `test` or `holdout`
-- current: whether a study's newest plan wants the trial
-- images: images scored
-- balanced_accuracy: recall averaged over the classes, a fraction
-- accuracy: share of images classified rightly
create view scores as
with recalls as (
    select trial_id, dataset, model, recipe, repeat, fold, subset, label,
        count(*) as images, count(*) filter (label = predicted) as hits
    from predictions group by all
)
select
    r.trial_id, r.dataset, r.model, r.recipe, r.repeat, r.fold, r.subset, t.current,
    sum(r.images)::bigint as images,
    avg(r.hits / r.images) as balanced_accuracy,
    sum(r.hits) / sum(r.images) as accuracy
from recalls r join trials t using (trial_id)
group by all;
