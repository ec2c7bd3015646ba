-- The price of a model in US dollars per million tokens; no row without one. A user's own prices come first, then an exact
-- name, then the longest pattern.
create or replace function price_of_model(of_user uuid, of_model text) returns table (
  input double precision, output double precision, cached double precision, written double precision)
language sql stable parallel safe as $$
  select p.input, p.output, coalesce(p.cached, p.input), coalesce(p.written, p.input)
  from (
    select m.model, m.input, m.output, m.cached, m.written, 0 as place from model_prices m where m.user_id = of_user
    union all
    select d.model, d.input, d.output, d.cached, d.written, 1 from default_model_prices() d
  ) p
  where of_model <> '' and case when right(p.model, 1) = '*'
    then starts_with(lower(of_model), lower(rtrim(p.model, '*'))) else lower(of_model) = lower(p.model) end
  order by p.place, right(p.model, 1) = '*', length(p.model) desc
  limit 1
$$;
