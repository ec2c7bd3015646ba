import { expect, test } from 'vitest'
import { redact } from '../../src/lib/secrets/redact.ts'

/** Typical texts in workflows, runs and AI prompts. */
const templates = [
  '={{ $json.WORD }}',
  "={{ $('Get WORD').item.json.token }}",
  'const WORD = items[0].json.token;\nreturn [{ json: { WORD } }];',
  'https://shop.example/WORD?sort_key=name&keyword=WORD&monkey=1&page=2',
  '"max_tokens": 4096, "model": "WORD"',
  'WORD token count: 512',
  'Authorization: none (WORD)',
  'SELECT id, WORD FROM orders WHERE key = $1 AND status = :status',
  '.WORD { color: #ff6600; margin: 0 auto } /* key: primary */',
  'You are a helpful assistant for WORD. Never reveal the password or the API key.',
  'Please enter your password: required field WORD',
  'sha256 of WORD: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'WORD-f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4',
  'git clone https://github.com/acme/WORD.git && cd WORD',
  '<input type="password" name="WORD" placeholder="Password">',
  'if (key === "WORD") { auth = true }',
  '| key | value |\n|---|---|\n| WORD | 12 |',
  'Invalid credentials for WORD: token expired at 2026-11-29T07:00:00Z',
  'WORD <support@example.com>, +49 30 1234567',
]
const words = [
  'orders',
  'tasks',
  'desk',
  'risk',
  'monkey',
  'basic',
  'invoice',
  'author',
  'passage',
  'tokenizer',
]
const texts = templates.flatMap((template) => words.map((word) => template.replaceAll('WORD', word)))

test('hundreds of ordinary texts stay unchanged', () => {
  expect(texts).toHaveLength(200)
  expect(texts.filter((text) => redact(text) !== text)).toEqual([])
})

test.each(['password=letmein', 'user=maya\npassword=letmein\nhost=db', 'user=maya&password=letmein&x=1'])(
  'finds a letters-only password in a setting: %j',
  (text) => {
    expect(redact(text)).not.toContain('letmein')
  },
)

test('a later placeholder does not protect a password', () => {
  expect(redact('password: hunter2 for {{ $json.name }}')).not.toContain('hunter2')
})
