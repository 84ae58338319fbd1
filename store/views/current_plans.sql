-- The plans that count: for each study, every trial of each cell as last planned.
-- A table, since nearly every view asks for it: a query about one trial would spend half of its time here.
--
-- (some columns of `plans`)
create table current_plans as
select study, dataset, model, recipe, cell_id, scheme, planned_at, unavailable, trial_id from plans where current;
