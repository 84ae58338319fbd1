-- One row for each image of each version of a dataset, as last listed: what a trial saw, without the picture.
--
-- dataset: name of the dataset
-- dataset_hash: identity of the dataset's content
-- image_id: the image, as `<class>/<file name>`
-- label: its class
-- sha256: of the file
-- image_group: images of one group (patient, slide, exact copy) stay on one side of every split
-- thumbnail: a small JPEG, for a few images of datasets that may be shown
create view images as
select dataset, dataset_hash, image_id, label, sha256, image_group, thumbnail
from raw_images
qualify row_number() over (partition by dataset, dataset_hash, image_id order by listed_at desc) = 1;
