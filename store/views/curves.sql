-- One row for each finished trial and epoch: how the training went.
--
-- trial_id: the trial
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- repeat: number of the repeat, from 0
-- fold: number of the fold in that repeat, from 0
-- current: whether a study's newest plan wants the trial
-- epoch: number of the epoch, from 1
-- loss: mean training loss
-- accuracy: mean training accuracy, on class-balanced draws
create view curves as
select trial_id, dataset, model, recipe, repeat, fold, current,
    unnest(range(1, len(loss) + 1)) as epoch,
    unnest(loss) as loss,
    unnest(accuracy) as accuracy
from trials where status = 'done';
