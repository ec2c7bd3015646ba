-- One run in a bucket, as a digit of a histogram. Everything in it is immutable, as inlining requires.
create or replace function duration_histogram(bucket smallint) returns numeric language sql immutable parallel safe as $$
  select ('1e' || (12 * bucket)::text)::numeric
$$;
