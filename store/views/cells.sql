-- One row for each cell of a study: all trials of a dataset × model × recipe, as last planned, and what they score.
-- `progress` has the same cells without the scores.
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
-- test_balanced_accuracy: mean over the trials' test folds
-- test_sd: standard deviation over the trials
-- holdout_balanced_accuracy: mean over the trials on the holdout
-- vote_balanced_accuracy: of the trials' vote on the holdout
-- out_of_fold_vote_balanced_accuracy: of the repeats' vote on the test folds; null where there is only one repeat
-- devices: the devices and precisions that its finished trials were trained with; more than one is no cell of one arithmetic
-- holdout_images: images in the holdout
-- seconds: seconds of training in all
create view cells as
with scored as (
    select c.study, c.dataset, c.model, c.recipe,
        favg(s.balanced_accuracy) filter (s.subset = 'test') as test_balanced_accuracy,
        stddev_samp(s.balanced_accuracy) filter (s.subset = 'test') as test_sd,
        favg(s.balanced_accuracy) filter (s.subset = 'holdout') as holdout_balanced_accuracy
    from current_plans c join scores s on s.trial_id = c.trial_id group by all
), recalls as (
    select study, dataset, model, recipe, subset, label,
        avg((label = predicted)::int) as recall,
        max(trials) as trials
    from votes group by all
), voted as (
    select study, dataset, model, recipe,
        favg(recall) filter (subset = 'holdout') as vote_balanced_accuracy,
        favg(recall) filter (subset = 'test') as out_of_fold_vote_balanced_accuracy,
        max(trials) filter (subset = 'test') as repeats
    from recalls group by all
)
select
    p.study, p.dataset, p.model, p.recipe, p.cell_id, p.scheme, p.planned_at, p.wanted, p.done, p.failed, p.missing,
    p.stale, p.unavailable, p.error,
    s.test_balanced_accuracy, s.test_sd, s.holdout_balanced_accuracy, v.vote_balanced_accuracy,
    case when v.repeats > 1 then v.out_of_fold_vote_balanced_accuracy end as out_of_fold_vote_balanced_accuracy,
    p.devices, p.holdout_images, p.seconds
from progress p
left join scored s using (study, dataset, model, recipe)
left join voted v using (study, dataset, model, recipe);
