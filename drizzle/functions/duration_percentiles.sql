-- Nearest-rank percentiles in ms; null without runs. The bucket is exact. Within it, runs are assumed to be distributed
-- evenly on a logarithmic scale, and results are clamped to its whole numbers, so the error is at most a tenth.
create or replace function duration_percentiles(durations numeric, out p50 float8, out p95 float8, out p99 float8)
language plpgsql immutable parallel safe as $$
declare
  digits text := durations::text;
  highest_first float8[];
  -- The sum of the digits in a base equals the remainder modulo the base minus one.
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
