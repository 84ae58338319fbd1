-- One row for each cell of a study: how many of its trials are done. It reads no predictions, and so is quick.
--
-- study: name of the study
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- cell_id: identity of all that its trials share
-- scheme: identity of the images and how they are split; models are compared within one scheme alone
-- planned_at: when the cell was last planned, in UTC
-- wanted: trials planned
-- done: trials finished
-- failed: trials that failed
-- missing: trials not yet run
-- stale: finished trials of the same name that the newest plan does not want
-- unavailable: why the cell could not run, or null
-- error: what the first failed trial says
-- devices: the devices and precisions that its finished trials were trained with; more than one is no cell of one arithmetic
-- holdout_images: images in the holdout
-- seconds: seconds of training in all
create view progress as
with wanted as (
    select study, dataset, model, recipe, cell_id, scheme, max(planned_at) as planned_at, count(*) as wanted,
        arg_max_null(unavailable, planned_at) as unavailable
    from current_plans group by all
), runs as (
    select c.study, c.dataset, c.model, c.recipe,
        count(*) filter (t.status = 'done') as done,
        count(*) filter (t.status = 'failed') as failed,
        min(t.error) as error,
        sum(t.seconds) as seconds,
        max(t.holdout_images) as holdout_images,
        list_sort(list(distinct t.device) filter (t.status = 'done')) as devices
    from current_plans c join trials t on t.trial_id = c.trial_id group by all
), outdated as (
    select w.study, w.dataset, w.model, w.recipe, count(*) as stale
    from wanted w join trials t using (dataset, model, recipe)
    where t.status = 'done' and t.cell_id != w.cell_id and not t.current group by all
)
select
    w.study, w.dataset, w.model, w.recipe, w.cell_id, w.scheme, w.planned_at, w.wanted,
    coalesce(r.done, 0) as done,
    coalesce(r.failed, 0) as failed,
    w.wanted - coalesce(r.done, 0) - coalesce(r.failed, 0) as missing,
    coalesce(o.stale, 0) as stale,
    w.unavailable, r.error, coalesce(r.devices, []) as devices, r.holdout_images, r.seconds
from wanted w
left join runs r using (study, dataset, model, recipe)
left join outdated o using (study, dataset, model, recipe);
