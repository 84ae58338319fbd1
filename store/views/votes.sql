-- The vote of all finished trials of a cell on each holdout image: the class that most trials predict;
-- a tie goes to the class with the higher mean probability.
--
-- study: name of the study
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- image_id: the holdout image
-- label: its class
-- predicted: the class voted for
-- trials: trials that voted
-- agreement: share of the trials that voted for it
-- probabilities: mean probability of each class, in the order of the trials' `classes`
create view votes as
with ballots as (
    select c.study, p.dataset, p.model, p.recipe, p.image_id, p.label, p.predicted,
        unnest(t.classes) as candidate,
        unnest(p.probabilities) as probability,
        unnest(range(len(t.classes))) as place
    from predictions p
    join trials t using (trial_id)
    join current_plans c on c.trial_id = p.trial_id
    where p.subset = 'holdout'
), tally as (
    select study, dataset, model, recipe, image_id, label, candidate, place,
        count(*) as trials,
        count(*) filter (predicted = candidate) as votes,
        avg(probability) as probability
    from ballots group by all
)
select study, dataset, model, recipe, image_id, label,
    arg_max(candidate, (votes, probability, -place)) as predicted,
    max(trials) as trials,
    max(votes) / max(trials) as agreement,
    list(probability order by place) as probabilities
from tally group by all;
