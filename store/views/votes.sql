-- The vote of all finished trials of a cell on each image.
-- On the holdout all trials vote. On the test folds those vote that did not train on the image, one trial a repeat.
--
-- study: name of the study
-- dataset: name of the dataset
-- model: name of the model
-- recipe: name of the recipe
-- subset: `holdout`, or `test` for the votes out of fold
-- image_id: the image
-- label: its class
-- predicted: the class that most trials predict; a tie goes to the higher mean probability, then to the first class
-- predicted_by_mean: the class with the highest mean probability; a tie goes to the first class
-- trials: trials that voted
-- agreement: share of the trials that predict the class that most predict
-- probabilities: mean probability of each class, in the order of the trials' `classes`
create view votes as
select * from tally(current_plans);
