-- The cost of tokens in US dollars. Null without a price.
create or replace function usage_cost(input numeric, cached numeric, written numeric, output numeric,
  input_price double precision, cached_price double precision, written_price double precision,
  output_price double precision)
returns double precision language sql immutable parallel safe as $$
  select ((input - cached - written)::float8 * input_price + cached::float8 * cached_price
    + written::float8 * written_price + output::float8 * output_price) / 1e6
$$;
