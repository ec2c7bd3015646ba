-- Nearest-rank percentiles in ms; null without runs. The bucket is exact; within it, runs are taken as spread evenly over
-- its logarithm and no whole number outside of it is returned: off by a tenth at most.
create or replace function duration_percentiles(durations numeric, out p50 float8, out p95 float8, out p99 float8)
language plpgsql immutable parallel safe as $$
declare
  digits text := durations::text;
  highest_first float8[];
  -- What the digits to a base add up to is the remainder by the base less one.
  upto float8 := durations % 999999999999;
  ranks float8[] := array[ceil(upto * 50 / 100), ceil(upto * 95 / 100), ceil(upto * 99 / 100)];
  found float8[] := array[null, null, null];
  wanted integer := 3;
  rank float8 := ranks[3];
  bucket integer;
  runs float8;
begin
  if durations is null or durations <= 0 then
    return;
  end if;
  highest_first := string_to_array(
    rtrim(regexp_replace(repeat('0', 11 - (length(digits) + 11) % 12) || digits, '(.{12})', '\1,', 'g'), ','), ',');
  bucket := cardinality(highest_first);
  <<buckets>>
  foreach runs in array highest_first loop
    bucket := bucket - 1;
    upto := upto - runs;
    while rank > upto loop
      found[wanted] := case when bucket = 0 then 0 else
        least(greatest(
          round(power(1.1::float8, bucket - 1 + (rank - upto - 0.5) / runs)),
          ceil(power(1.1::float8, bucket - 1))), ceil(power(1.1::float8, bucket)) - 1) end;
      wanted := wanted - 1;
      exit buckets when wanted = 0;
      rank := ranks[wanted];
    end loop;
  end loop;
  p50 := found[1];
  p95 := found[2];
  p99 := found[3];
end $$;
