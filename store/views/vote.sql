-- The vote of any trials on each image, of one model or of several; a function that is given a list of trials.
-- Called as `vote((select list(trial_id) from trials where dataset = 'malaria' and current))`, brackets doubled.
-- A trial votes on the images that it did not train on: those of the holdout, and of its test fold.
--
-- dataset: name of the dataset
-- subset: `holdout`, or `test` for the votes out of fold
-- image_id: the image
-- label: its class
-- predicted: the class that most trials predict; a tie goes to the higher mean probability, then to the first class
-- predicted_by_mean: the class with the highest mean probability; a tie goes to the first class
-- trials: trials that voted
-- agreement: share of the trials that predict the class that most predict
-- probabilities: mean probability of each class, in the order of the trials' `classes`
create macro vote(trials) as table
with voters as (select distinct unnest(trials) as trial_id, null as study, null as model, null as recipe)
select * exclude (study, model, recipe) from tally(voters);
