-- One form for texts that read alike: case, accents and compatibility forms do not count. Of the marks, only those of
-- European scripts: か and が are two letters. In databases of the locale C, `lower` knows only ASCII.
create function search_normal(source text)
returns text language sql immutable parallel safe cost 1000 as $$
  select translate(lower(normalize(regexp_replace(normalize(source, NFKD), '[\u0300-\u036f]+', '', 'g'), NFKC)),
    'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄІЈЉЊЋЏЅҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩÆŒØÐÞĐŁ',
    'абвгдежзиклмнопрстуфхцчшщъыьэюяђєіјљњћџѕґαβγδεζηθικλμνξοπρστυφχψωæœøðþđł')
$$;
--> statement-breakpoint
-- A text's words, and the letters, one by one, of its stretches in scripts that write no spaces or join endings to
-- words: Thai to Khmer, Chinese, Japanese, Korean. Parts of both are separated by a space.
create function search_parts(source text, size integer, out words text, out letters text)
language sql immutable parallel safe set search_path = public, pg_temp as $$
  select
    regexp_replace(t, '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2000-\u206f\u2e80-\ud7ff\uf900-\ufaff\ufe10-\ufe6f\ufeff-\uffef\U00020000-\U0003ffff]+', ' ', 'g'),
    regexp_replace(t, '[^\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3031-\u30fa\u30fc-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+', ' ', 'g')
  from left(search_normal(source), size) t
$$;
--> statement-breakpoint
-- Words, and each letter of the other scripts with the next one. `inside`: also all ends of words, so that the middle of
-- a word is found as the beginning of one of its ends; of the first 5,000 characters only. A tsvector holds 1 MB: it
-- suffices for all of the longest description and prompt, whatever is in them.
create function search_words(source text, inside boolean)
returns tsvector language sql immutable parallel safe cost 1000 set search_path = public, pg_temp as $$
  with parts as materialized (
    select string_to_array(words, ' ') as words, string_to_array(letters, null) as letters from search_parts(source, case when inside then 5000 else 250000 end)
  )
  select array_to_tsvector(coalesce(array_agg(part), '{}')) from (
    select left(word, 255) as part from parts, unnest(parts.words) word where word <> ''
    union all
    select substr(word, start, 40) from parts, unnest(parts.words) word, generate_series(2, least(length(word), 40)) start
    where inside
    union all
    select letter || rtrim(coalesce(following, ''))
    from parts, unnest(parts.letters, parts.letters[2:]) pair (letter, following) where letter <> ' '
  ) each
$$;
--> statement-breakpoint
create function workflow_words(name text, description text, prompt text, node_types text[])
returns tsvector language sql immutable parallel safe set search_path = public, pg_temp as $$
  select search_words(concat_ws(' ', name, array_to_string(node_types, ' ')), true)
    || search_words(concat_ws(' ', description, prompt), false)
$$;
--> statement-breakpoint
-- Finds what `search_words` made of texts that hold every word; nothing when there is no letter in it.
create function search_query(sought text)
returns tsquery language sql immutable parallel safe set search_path = public, pg_temp as $$
  with parts as materialized (
    select string_to_array(words, ' ') as words, string_to_array(letters, null) as letters from search_parts(sought, 1000)
  )
  select coalesce(string_agg(part, ' & '), '')::tsquery from (
    select '''' || left(word, 255) || ''':*' as part from parts, unnest(parts.words) word where word <> ''
    union all
    select '''' || letter || case when following <> ' ' then following || '''' else ''':*' end
    from parts, unnest(' '::text || parts.letters, parts.letters, parts.letters[2:] || ' '::text) near (before, letter, following)
    where letter <> ' ' and (following <> ' ' or before = ' ')
  ) each
$$;
--> statement-breakpoint
-- For `like all`: what is more than a pair of letters is not proved by its pairs.
create function search_stretches(sought text)
returns text[] language sql immutable parallel safe set search_path = public, pg_temp as $$
  select coalesce(array_agg('%' || stretch || '%'), '{}')
  from search_parts(sought, 1000), unnest(string_to_array(letters, ' ')) stretch where length(stretch) > 2
$$;
--> statement-breakpoint
ALTER TABLE "workflows" drop column "search";--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (workflow_words(name, description, prompt, node_types)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "workflows_search_idx" ON "workflows" USING gin ("search") WITH (fastupdate=off);--> statement-breakpoint
CREATE INDEX "executions_error_words_idx" ON "executions" USING gin (search_words("error_message", true)) WHERE "executions"."error_message" is not null;--> statement-breakpoint
CREATE INDEX "error_groups_words_idx" ON "error_groups" USING gin (search_words(coalesce("http_status"::text || ' ', '') || "message", true)) WITH (fastupdate=off);
