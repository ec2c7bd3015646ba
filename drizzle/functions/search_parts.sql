-- Splits a text into words, and into single letters for scripts without spaces or with joined endings: Thai to Khmer,
-- Chinese, Japanese and Korean. Both results are separated by spaces.
create or replace function search_parts(source text, size integer, out words text, out letters text)
language sql immutable parallel safe set search_path = public, pg_temp as $$
  select
    regexp_replace(t, '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2000-\u206f\u2e80-\ud7ff\uf900-\ufaff\ufe10-\ufe6f\ufeff-\uffef\U00020000-\U0003ffff]+', ' ', 'g'),
    regexp_replace(t, '[^\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3031-\u30fa\u30fc-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+', ' ', 'g')
  from left(search_normal(source), size) t
$$;
