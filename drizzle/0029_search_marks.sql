set local check_function_bodies = off;
--> statement-breakpoint
-- Normalizes text for search: ignores case, accents and compatibility forms. Removes marks only from European scripts,
-- because か and が are different letters. Cuts runs of over 200 characters without a common letter, space or punctuation:
-- normalization takes quadratic time for combining marks in a row. In databases with the locale C, `lower` only supports ASCII.
create or replace function search_normal(source text)
returns text language sql immutable parallel safe cost 1000 as $$
  select translate(lower(normalize(regexp_replace(normalize(
    regexp_replace(source, '([^\u0001-\u02ff\u0370-\u0482\u048a-\u0590\u05d0-\u05f4\u0620-\u064a\u0671-\u06d3\u0904-\u0939\u0e01-\u0e33\u0e81-\u0eb3\u1000-\u102a\u1100-\u11ff\u1780-\u17b3\u1e00-\u20cf\u2100-\u2cee\u2d00-\u2d7e\u2d80-\u2ddf\u2e80-\u3029\u3030-\u3098\u309b-\ua66e\ua680-\ua69d\ua6a0-\ua6ef\uac00-\ud7ff\uf900-\ufb1d\ufb1f-\ufdff\ufe30-\uff9d\uffa0-\uffef\U00020000-\U0003ffff]{200})[^\u0001-\u02ff\u0370-\u0482\u048a-\u0590\u05d0-\u05f4\u0620-\u064a\u0671-\u06d3\u0904-\u0939\u0e01-\u0e33\u0e81-\u0eb3\u1000-\u102a\u1100-\u11ff\u1780-\u17b3\u1e00-\u20cf\u2100-\u2cee\u2d00-\u2d7e\u2d80-\u2ddf\u2e80-\u3029\u3030-\u3098\u309b-\ua66e\ua680-\ua69d\ua6a0-\ua6ef\uac00-\ud7ff\uf900-\ufb1d\ufb1f-\ufdff\ufe30-\uff9d\uffa0-\uffef\U00020000-\U0003ffff]+', '\1', 'g'), NFKD), '[\u0300-\u036f]+', '', 'g'), NFKC)),
    'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄІЈЉЊЋЏЅҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩÆŒØÐÞĐŁ',
    'абвгдежзиклмнопрстуфхцчшщъыьэюяђєіјљњћџѕґαβγδεζηθικλμνξοπρστυφχψωæœøðþđł')
$$;
