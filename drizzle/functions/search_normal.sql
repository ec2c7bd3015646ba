-- One form for texts that read alike: case, accents and compatibility forms do not count. Of the marks, only those of
-- European scripts: か and が are two letters. In databases of the locale C, `lower` knows only ASCII.
create or replace function search_normal(source text)
returns text language sql immutable parallel safe cost 1000 as $$
  select translate(lower(normalize(regexp_replace(normalize(source, NFKD), '[\u0300-\u036f]+', '', 'g'), NFKC)),
    'АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄІЈЉЊЋЏЅҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩÆŒØÐÞĐŁ',
    'абвгдежзиклмнопрстуфхцчшщъыьэюяђєіјљњћџѕґαβγδεζηθικλμνξοπρστυφχψωæœøðþđł')
$$;
