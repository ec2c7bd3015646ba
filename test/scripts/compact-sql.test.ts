import { expect, test } from 'vitest'
import { compactSql } from '../../scripts/compact-sql.ts'

const compact = (source: string) => String(compactSql('a.ts', source))

test('indentation becomes one space, including around expressions and in nested statements', () => {
  expect(compact('sql`\n  select ${a}\n    from b\n  where ${c ? sql`\n\n d` : sql``}\n`')).toBe(
    'sql` select ${a} from b where ${c ? sql` d` : sql``} `',
  )
  expect(compact('sql<number>`count(*)\n  + 1`')).toBe('sql<number>`count(*) + 1`')
})

test('comments are removed, including those with quotes', () => {
  expect(compact('sql`\n  select 1 -- one\n  -- n8n\'s "id"\n  , 2`')).toBe('sql` select 1 , 2`')
  expect(compact('sql`select a--b\nfrom c`')).toBe('sql`select a from c`')
})

test('quoted text stays as it is', () => {
  const source = "sql`select 'a  --  b', 'it''s  ', \"c  d\", 'e'\n  'f', ''`"
  expect(compact(source)).toBe(source)
  expect(compact("sql`select  '  ',\n  '\\\\s  +'`")).toBe("sql`select '  ', '\\\\s  +'`")
})

test.each([
  "sql`select  '${a}  b'`",
  'sql`select  1 -- ${a}\n  , 2`',
  'sql`select  $$ a  b $$`',
  'sql`select  1 /* a  -- b */`',
  "sql`select  E'a\\\\'  b'`",
  'other`a  b`',
  'const text = `select  1`',
])('what it cannot tell apart stays as it is: %j', (source) => {
  expect(compact(source)).toBe(source)
})

test('a file that does not parse is reported', () => {
  expect(() => compactSql('src/a.ts', 'const = 1')).toThrow('src/a.ts does not parse')
})
