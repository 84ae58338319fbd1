-- The votes of several elections at once: what `votes` and `vote` share.
-- Called as `tally(voters)`, where `voters` is a table or CTE of trial_id, study, model, recipe; the last three name
-- the election in which the trial votes.
--
-- (the columns of `votes`)
create macro tally(voters) as table
with ballots as (
    select v.study, p.dataset, v.model, v.recipe, p.subset, p.image_id, p.label, p.predicted,
        unnest(t.classes) as candidate,
        unnest(p.probabilities) as probability,
        unnest(range(len(t.classes))) as place
    from query_table(voters) v join predictions p using (trial_id) join trials t using (trial_id)
), candidates as (
    select study, dataset, model, recipe, subset, image_id, label, candidate, place,
        count(*) as trials,
        count(*) filter (predicted = candidate) as votes,
        avg(probability) as probability
    from ballots group by all
)
select study, dataset, model, recipe, subset, image_id, label,
    arg_max(candidate, (votes, probability, -place)) as predicted,
    arg_max(candidate, (probability, -place)) as predicted_by_mean,
    max(trials) as trials,
    max(votes) / max(trials) as agreement,
    list(probability order by place) as probabilities
from candidates group by all;
