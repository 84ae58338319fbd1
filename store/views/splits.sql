-- One row for each image in each repeat of a dataset's cross-validation: the fold that tests it. Splits are kept, so that
-- a later version of a library cannot draw others.
--
-- dataset: name of the dataset
-- dataset_hash: identity of the dataset's content
-- protocol: identity of the protocol and of what must stay together
-- repeat: number of the repeat, from 0
-- image_id: the image, as `<class>/<file name>`
-- fold: number of the fold, from 0; null where the image is in the holdout
create view splits as
select dataset, dataset_hash, protocol, repeat, image_id, fold
from raw_splits
qualify row_number() over (partition by dataset, dataset_hash, protocol, repeat, image_id order by drawn_at) = 1;
