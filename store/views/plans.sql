-- One row for each trial that a run wanted. Status and the site are drawn from here, without the images.
--
-- plan_id: identity of the plan
-- planned_at: when it was made, in UTC
-- study: name of the study
-- study_title: its title
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- cell_id: identity of all that the trials of a cell share
-- scheme: identity of the images and how they are split; models are compared within one scheme alone
-- trial_id: identity of the trial
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- recipe_json: the recipe's fields
-- protocol_json: the protocol's fields
-- dataset_hash: identity of the dataset's content
-- model_version: version of the model's code
-- weights: where the model's first weights come from
-- unavailable: why the cell could not run on that machine, or null
-- dataset_card: the dataset's card as it was, as JSON
-- model_card: what the registry said of the model, as JSON
-- current: whether no later plan of the study replaces it
create view plans as
with newest as (
    select study, dataset, model, recipe, arg_max(cell_id, (planned_at, plan_id)) as cell_id
    from raw_plans group by all
)
select
    p.plan_id, p.planned_at, p.study, p.study_title, p.dataset, p.model, p.recipe, p.cell_id, p.scheme, p.trial_id,
    p.repeat, p.fold, p.recipe_json, p.protocol_json, p.dataset_hash, p.model_version, p.weights,
    p.unavailable, p.dataset_card, p.model_card,
    n.cell_id is not null as current
from raw_plans p
left join newest n
    on p.study = n.study and p.dataset = n.dataset and p.model = n.model and p.recipe = n.recipe
    and p.cell_id = n.cell_id
qualify row_number() over (partition by p.study, p.trial_id order by p.planned_at desc, p.plan_id desc) = 1;
