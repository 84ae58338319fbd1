-- One row for each finished trial and subset: how good its predictions are, and how honest its probabilities.
-- In `log_loss`, `brier` and `calibration_error` each class has the same weight, as it has in training: an image
-- weighs one over the number of images of its class in the subset.
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
-- recall: for each class, in the order of the trial's `classes`, the share of its images classified rightly; null where the subset has no image of it
-- macro_f1: F1 (twice the hits, over the images of a class and the predictions of it together) averaged over the classes that occur as label or as prediction; scikit-learn's `f1_score` with `average='macro'`
-- log_loss: mean of −ln p, where p is the probability given to the true class, at least 2.2e-16; 0 is perfect, ln C is a guess among C classes
-- brier: Brier score (Brier 1950): squared differences between the probabilities and the truth (1 for the true class, 0 for the others), summed over the classes, mean over the images; 0 is perfect, 2 the worst
-- calibration_error: expected calibration error (Guo et al. 2017): images in ten bins of equal width by the highest of their probabilities; in each bin the mean of that probability less the share classified rightly, without its sign; mean over the bins by their weight
create view scores as
with asked as (
    select p.trial_id, p.dataset, p.model, p.recipe, p.repeat, p.fold, p.subset, p.label, p.predicted,
        t.current, t.classes,
        p.predicted = p.label as hit,
        p.probabilities::double[] as probabilities,
        p.probabilities[list_position(t.classes, p.label)]::double as chance,
        list_max(p.probabilities)::double - (p.predicted = p.label)::int as excess,
        least(floor(10 * list_max(p.probabilities)::double), 9) as bin
    -- Joined by the folders too: a query about one trial then opens the files of one dataset and model alone.
    from predictions p join trials t using (trial_id, dataset, model)
), by_class as (
    -- DuckDB leaves out each aggregate that a query does not ask for. It would not leave out a join, nor `histogram`.
    select trial_id, dataset, model, recipe, repeat, fold, subset, current, label,
        any_value(classes) as classes,
        count(*) as images,
        count(*) filter (hit) as hits,
        list(predicted) as guesses,
        avg(-ln(greatest(chance, 2.220446049250313e-16))) as log_loss,
        avg(list_inner_product(probabilities, probabilities) - 2 * chance + 1) as brier,
        [
            sum(excess) filter (bin = 0), sum(excess) filter (bin = 1), sum(excess) filter (bin = 2),
            sum(excess) filter (bin = 3), sum(excess) filter (bin = 4), sum(excess) filter (bin = 5),
            sum(excess) filter (bin = 6), sum(excess) filter (bin = 7), sum(excess) filter (bin = 8),
            sum(excess) filter (bin = 9)
        ] as excess
    from asked group by all
), by_trial as (
    select trial_id, dataset, model, recipe, repeat, fold, subset, current,
        any_value(classes) as classes,
        sum(images)::bigint as images,
        avg(hits / images) as balanced_accuracy,
        sum(hits) / sum(images) as accuracy,
        map_from_entries(list((label, images))) as labels,
        map_from_entries(list((label, hits))) as hits,
        list_aggregate(flatten(list(guesses)), 'histogram') as guesses,
        avg(log_loss) as log_loss,
        avg(brier) as brier,
        list([total / images for total in excess]) as excess
    from by_class group by all
)
select trial_id, dataset, model, recipe, repeat, fold, subset, current, images, balanced_accuracy, accuracy,
    [hits[class] / labels[class] for class in classes] as recall,
    list_avg([
        2 * coalesce(hits[class], 0) / nullif(coalesce(labels[class], 0) + coalesce(guesses[class], 0), 0)
        for class in classes
    ]) as macro_f1,
    log_loss, brier,
    list_sum([abs(list_sum([class[bin] for class in excess])) for bin in range(1, 11)]) / len(excess)
        as calibration_error
from by_trial;
