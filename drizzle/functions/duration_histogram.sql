-- One run of a bucket, as a digit group of a number that adds up. Immutable throughout, which inlining requires.
create or replace function duration_histogram(bucket smallint) returns numeric language sql immutable parallel safe as $$
  select ('1e' || (12 * bucket)::text)::numeric
$$;
