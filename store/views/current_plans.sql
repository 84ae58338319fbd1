-- The plans that count: for each study, every trial of each cell as last planned.
--
-- (the columns of `plans`, without `current`)
create view current_plans as
select * exclude (current) from plans where current;
