-- One row for each finished trial and subset: the area under the ROC curve of each class against all others.
-- It is a view of its own because it takes several times as long as `scores`.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- subset: `test` or `holdout`
-- auroc: for each class, in the order of the trial's `classes`, the chance that an image of it is given a higher probability of it than an image of another class, where equal ones count half; null where all images or none are of the class
-- macro_auroc: mean of those that are not null
create view auroc as
with asked as (
    select p.trial_id, p.dataset, p.model, p.recipe, p.repeat, p.fold, p.subset,
        unnest(range(len(t.classes))) as place,
        unnest([class = p.label for class in t.classes]) as own,
        unnest(p.probabilities) as probability
    from predictions p join trials t using (trial_id, dataset, model)
), by_class as (
    select trial_id, dataset, model, recipe, repeat, fold, subset, place,
        count(*) filter (own) as own,
        count(*) filter (not own) as other,
        list(probability) filter (own) as probabilities,
        list_sort(list(probability)) as rising,
        list_reverse(list_sort(list(probability))) as falling
    from asked group by all
), ranked as (
    -- The sum of the ranks of the class's own images (Mann and Whitney 1947); equal ones share the mean of their ranks.
    -- Looked up in sorted lists, this takes a quarter of the time that window functions take.
    select *,
        list_sum([list_position(rising, p) + own + other + 1 - list_position(falling, p) for p in probabilities]) / 2
            as ranks
    from by_class
), areas as (
    select *, (ranks - own * (own + 1) / 2) / nullif(own * other, 0) as area from ranked
)
select trial_id, dataset, model, recipe, repeat, fold, subset,
    list(area order by place) as auroc,
    avg(area) as macro_auroc
from areas group by all;
