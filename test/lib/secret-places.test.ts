import { seeded } from '../harness/random.ts'
import { expect, test } from 'vitest'
import { redact } from '../../src/lib/secrets/redact.ts'

const random = seeded(7_311_204)
const chars = 'ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'
const from = (set: string, length: number) =>
  Array.from({ length }, () => set[Math.floor(random() * set.length)]).join('')
/** A generated secret. */
const generated = (length = 28) => `${from(chars, length - 3)}4x7`
const hex = (length: number) => from('0123456789abcdef', length)
const base64 = (length: number) => from(`${chars}+/`, length)

/** Secrets that people choose: letters only, and with digits and signs. */
const chosen = ['bluebird', 'Marmalade', 'tiger77', 'Zug&Bus9', 'n0rdwind', 'Kirsche!4']
const rounds = 4

/** `§` is the position of the secret. */
const chosenPlaces = [
  'password: §',
  'user: ann\npassword: §\nhost: db',
  'The password is §',
  'sign-in failed, the password was §.',
  'Server=tcp:db1;Uid=ann;Pwd=§;Database=shop',
  'Provider=SQLNCLI;User Id=ann;Password=§;',
  'DSN=shop;UID=ann;PWD={§};',
  'host=db1 user=ann password=§ dbname=shop',
  'jdbc:mysql://db1/shop?user=ann&password=§&useSSL=false',
  'jdbc:sqlserver://db1:1433;user=ann;password=§;encrypt=true',
  'cache1:6380,password=§,ssl=True',
  'redis://:§@cache1:6379/0',
  'amqps://ann:§@mq1/vhost',
  'mongodb+srv://ann:§@c0.test/?w=majority',
  'smtps://ann%40shop.test:§@mail.test:465',
  'connect to ann:§@db1.test:5432 failed',
  'ann:§@tcp(db1:3306)/shop',
  'curl -su ann:§ https://api.test',
  'curl -u "ann:§" https://api.test',
  'mysql -u ann -p§ shop',
  'sshpass -p § ssh ann@host',
  'docker login -u ann -p § registry.test',
  'PGPASSWORD=§ psql -h db1',
  'MAIL_PASS=§',
  "{'user': 'ann', 'password': '§'}",
  '{"user":"ann","pass":"§"}',
  '{"user":"ann","pwd":"§"}',
  'Config(user=ann, password=§, host=db1)',
  'level=error user=ann password=§ host=db1',
  'map[password:§ user:ann]',
  '<password>§</password>',
  "ALTER USER ann WITH PASSWORD '§'",
  "CREATE USER ann IDENTIFIED BY '§'",
  'Invalid password: "§"',
  'login ann password §',
  'Passwort: §',
  'contraseña: §',
  'mot de passe : §',
  'пароль: §',
  '密码：§',
  '密码是 §',
  'パスワード: §',
  "define('DB_PASSWORD', '§');",
  '{\\"password\\":\\"§\\"}',
  'Credentials: ann / §',
  'Content-Disposition: form-data; name="password"\r\n\r\n§\r\n--b',
  'tool --db-password § --verbose',
]

const generatedPlaces = [
  'Authorization: Digest username="ann", nonce="§", uri="/", response="1"',
  'Digest username="ann", response="§"',
  'AWS4-HMAC-SHA256 Credential=A/20260101/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=§',
  'https://b.test/o?X-Amz-Expires=60&X-Amz-Signature=§',
  'https://b.test/c?sv=2024-11-04&sig=§&se=2026',
  'Set-Cookie: sid=§; Path=/',
  'Cookie: theme=dark; PHPSESSID=§',
  '"set-cookie":["sid=§; Path=/"]',
  "curl -b 'sid=§' x",
  'https://app.test/x;jsessionid=§?p=1',
  'X-Api-Key: §',
  'host: a\r\nx-api-key: §\r\naccept: b',
  'apikey §',
  'API key § is not valid',
  "Invalid API key '§'",
  'API key (§) was refused',
  'Request with key § was rejected',
  'client secret is §',
  'token -> §',
  '| token | § |',
  'token:\n§',
  '**API key:** §',
  'token\t§',
  'https://api.test/key/§/items',
  'https://app.test/cb#access_token=§&state=1',
  'https://§@git.test/a.git',
  'next=https%3A%2F%2Fa.test%3Ftoken%3D§%26b%3D1',
  'next=https%253A%252F%252Fa.test%253Ftoken%253D§%2526b',
  'token&#61;§',
  'token&#x3D;§',
  '&quot;token&quot;:&quot;§&quot;',
  'token: &#39;§&#39;',
  'a\\u0026api_key\\u003d§',
  "curl -H 'Authorization: Bearer §' x",
  'curl -H "apikey: §" x',
  'private_key: |\n  §\n  §\nnext: 1',
  '{"value":"§","name":"x-api-key"}',
  '["api_key","§"]',
  '//registry.test/:_authToken=§',
  '“token”: “§”',
]

const names = [
  'apiKey',
  'api_key',
  'API-KEY',
  'accessToken',
  'client_secret',
  'secretAccessKey',
  'privateKey',
  'webhookSecret',
  'signing_secret',
  'refresh-token',
  'sessionToken',
  'bot_token',
  'STRIPE_KEY',
  'openaiKey',
  'personalAccessToken',
  'connectionString',
  'x-hub-signature-256',
  'recoveryCode',
  'dbPass',
  'SMTP_PASS',
  'jwtSecret',
  'passwordHash',
]
const nameSyntaxes = [
  '{"NAME":"§"}',
  'NAME: §',
  'a\nNAME=§\n',
  'https://a.test/?NAME=§&b=1',
  '{\\"b\\":1,\\"NAME\\":\\"§\\"}',
  "const x = { 'NAME': '§' }",
  'NAME = `§`',
  "['NAME' => '§']",
  'NAME=&quot;§&quot;',
]

/** The texts that still contain 8 characters of the secret, or all of a shorter one. */
function left(places: readonly string[], secrets: readonly string[]): string[] {
  return places.flatMap((place) =>
    secrets.flatMap((secret) => {
      // Links contain it escaped.
      if (secret.includes('&') && place.includes('?user=')) return []
      const clean = redact(place.replaceAll('§', () => secret))
      const size = Math.min(secret.length, 8)
      const stays = Array.from({ length: secret.length - size + 1 }, (_, at) => secret.slice(at, at + size))
      return stays.some((part) => clean.includes(part)) ? [`${place} -> ${clean}`] : []
    }),
  )
}

test('redacts a chosen password that a name, a command or a URL identifies', () => {
  expect(left(chosenPlaces, chosen)).toEqual([])
})

test('redacts a generated secret in headers, cookies, links, entities, tables and prose', () => {
  expect(
    left(
      generatedPlaces,
      Array.from({ length: rounds }, () => generated()),
    ),
  ).toEqual([])
  expect(
    left(
      generatedPlaces,
      Array.from({ length: rounds }, () => hex(40)),
    ),
  ).toEqual([])
})

test('redacts a value after each spelling of a name in each syntax', () => {
  const places = names.flatMap((name) => nameSyntaxes.map((syntax) => syntax.replace('NAME', name)))
  expect(
    left(
      places,
      Array.from({ length: rounds }, () => generated(32)),
    ),
  ).toEqual([])
})

test.each([1, 2, 3])('redacts a secret in JSON that is nested %i times in JSON strings', (depth) => {
  for (let round = 0; round < rounds; round += 1) {
    const secret = generated()
    let text = JSON.stringify({ url: `https://a.test/?page=1&api_key=${secret}`, accessToken: secret })
    for (let level = 0; level < depth; level += 1) text = JSON.stringify({ body: text })
    expect(redact(text)).not.toContain(secret.slice(0, 8))
    expect(redact(text)).not.toContain(secret.slice(-8))
  }
})

const prefixes =
  'ghp_ glpat- sk-proj- sk-ant-api03- sk_live_ whsec_ hf_ npm_ shpat_ ntn_ figd_ AIza ya29.'.split(' ')

test('redacts a truncated token at the end of the text', () => {
  const texts = prefixes.flatMap((prefix) =>
    [6, 9, 14].map((length) => ({ token: `${prefix}${generated(length)}`, length })),
  )
  const stayed = texts.filter(({ token, length }) =>
    ['', '…', '...'].some((end) =>
      redact(`${'word '.repeat(800)}${token}${end}`).includes(token.slice(-length)),
    ),
  )
  expect(stayed).toEqual([])
})

test.each(prefixes.filter((prefix) => /^(?:ghp_|glpat-|sk-|sk_|whsec_|shpat_)/.test(prefix)))(
  'redacts %s… when it is glued to a word',
  (prefix) => {
    const token = `${prefix}${generated(40)}`
    for (const before of ['token', 'x', 'failed:', '令牌']) {
      expect(redact(`${before}${token} is not valid`)).toBe(`${before}[redacted] is not valid`)
    }
  },
)

test('redacts a secret in base64, double base64 and hex', () => {
  const token = `ghp_${generated(36)}`
  for (const plain of [
    token,
    `password=${generated()}`,
    JSON.stringify({ user: 'ann', token: generated() }),
  ]) {
    const once = btoa(plain)
    const inHex = Array.from(plain, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('')
    for (const encoded of [once, btoa(once), inHex]) {
      expect(redact(`payload ${encoded} was refused`)).toMatch(/^payload \[redacted\]=* was refused$/)
    }
  }
})

const ends = ['-----END PRIVATE KEY-----', '-----END PRIV', '-----EN', '-----', '---', '']
const breaks = ['\n', '\r\n', '\\n', '\\\\n', ' ', '%0A', '<br>', '&#10;']

test.each(ends)('redacts a PEM block that ends in %j with any line breaks', (end) => {
  for (const lineBreak of breaks) {
    const lines = [base64(64), base64(64), base64(22)]
    const clean = redact(['bad key -----BEGIN PRIVATE KEY-----', ...lines, end].join(lineBreak))
    for (const line of lines) expect(clean).not.toContain(line.slice(0, 8))
    expect(clean).toMatch(/^bad key \[redacted\]/)
  }
})

test('redacts a PEM block with a truncated beginning', () => {
  const lines = [base64(64), base64(64), `${base64(21)}=`]
  const clean = redact(`key ${lines.join('\n')}\n-----END PRIVATE KEY-----`)
  for (const line of lines) expect(clean).not.toContain(line.slice(0, 8))
})
