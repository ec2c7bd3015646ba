-- Normalizes text for search: ignores case, accents and compatibility forms. Removes marks only from European scripts,
-- because か and が are different letters. In databases with the locale C, `lower` only supports ASCII.
create or replace function search_normal(source text)
returns text language sql immutable parallel safe cost 1000 as $$
  select translate(lower(normalize(regexp_replace(normalize(source, NFKD), '[\u0300-\u036f]+', '', 'g'), NFKC)),
    'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄІЈЉЊЋЏЅҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩÆŒØÐÞĐŁ',
    'абвгдежзиклмнопрстуфхцчшщъыьэюяђєіјљњћџѕґαβγδεζηθικλμνξοπρστυφχψωæœøðþđł')
$$;
