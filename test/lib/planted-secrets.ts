/** Secrets of every form, generated from a seed, so that no file contains one. */
import type { Random } from '../harness/random.ts'

const lower = 'abcdefghijklmnopqrstuvwxyz'
const upper = lower.toUpperCase()
const digits = '0123456789'
const hexDigits = '0123456789abcdef'

export interface Planted {
  name: string
  /** The text to insert. */
  text: string
  /** The part that must be redacted. */
  secret: string
}

export function plantedSecrets(random: Random): Planted[] {
  const from = (chars: string, length: number) =>
    Array.from({ length }, () => chars[Math.floor(random() * chars.length)]).join('')
  // Ends with a digit, because a run of letters looks like a word.
  const mixed = (length: number, extra = '') =>
    `${from(lower + upper + digits, 2)}${from(digits, 1)}${from(lower, 1)}${from(digits, 1)}${from(lower + upper + digits + extra, length - 6)}${from(digits, 1)}`
  const hex = (length: number) =>
    `${from('0123456789', 1)}${from('abcdef', 1)}${from(hexDigits, length - 3)}${from(digits, 1)}`
  const base64 = (length: number) => mixed(length, '+/')
  const url64 = (length: number) => mixed(length, '_-')
  const uuid = () => [hex(8), hex(4), hex(4), hex(4), hex(12)].join('-')
  const number = (length: number) => from('123456789', length)
  const capitals = (length: number) => from(upper + digits, length)
  const json = (value: object) => btoa(JSON.stringify(value)).replaceAll('=', '')
  const jwt = () =>
    `${json({ alg: 'HS256', typ: 'JWT' })}.${json({ sub: mixed(12), iss: 'n8n' })}.${url64(43)}`
  const pemBody = (lines: number) => Array.from({ length: lines }, () => base64(64)).join('\n')
  const pem = (label: string, lines = 3) =>
    `-----BEGIN ${label}-----\n${pemBody(lines)}\n-----END ${label}-----`
  const whole = (name: string, text: string): Planted => ({ name, text, secret: text })
  const beside = (name: string, before: string, secret: string, after = ''): Planted => ({
    name,
    text: `${before}${secret}${after}`,
    secret,
  })
  return [
    whole('AWS access key', `AKIA${capitals(16)}`),
    whole('AWS temporary access key', `ASIA${capitals(16)}`),
    beside('AWS secret key', 'aws_secret_access_key = ', base64(40)),
    beside('AWS secret key in JSON', '"SecretAccessKey": "', base64(40), '"'),
    beside('AWS session token', 'AWS_SESSION_TOKEN=', `IQoJb3JpZ2luX2Vj${base64(120)}`),
    beside('AWS signature', 'https://b.s3.test/o?X-Amz-Date=20260101T000000Z&X-Amz-Signature=', hex(64)),
    whole('Google API key', `AIza${url64(35)}`),
    whole('Google OAuth client secret', `GOCSPX-${url64(28)}`),
    whole('Google access token', `ya29.${url64(120)}`),
    whole('Google refresh token', `1//0${url64(60)}`),
    beside(
      'Google service account',
      '{"type":"service_account","private_key":"',
      pem('PRIVATE KEY').replaceAll('\n', '\\n'),
      '\\n"}',
    ),
    beside(
      'Azure storage key',
      'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=',
      `${base64(86)}==`,
      ';EndpointSuffix=core.windows.net',
    ),
    beside(
      'Azure SAS',
      'https://a.blob.core.windows.net/c?sv=2024-01-01&se=2026-01-01&sig=',
      `${mixed(40)}%2B${mixed(20)}%3D`,
    ),
    whole('Azure client secret', `${mixed(3 + 3).slice(0, 3)}8Q~${mixed(34)}`),
    beside(
      'Azure service bus',
      'Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=',
      `${base64(43)}=`,
    ),
    ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) =>
      whole(`GitHub ${prefix}`, `${prefix}${mixed(36)}`),
    ),
    whole('GitHub fine-grained', `github_pat_${mixed(22)}_${mixed(59)}`),
    ...['glpat-', 'glptt-', 'gldt-', 'glrt-', 'glcbt-', 'glsoat-'].map((prefix) =>
      whole(`GitLab ${prefix}`, `${prefix}${url64(20)}`),
    ),
    ...['xoxb-', 'xoxp-', 'xoxa-2-', 'xoxr-', 'xoxs-'].map((prefix) =>
      whole(`Slack ${prefix}`, `${prefix}${number(11)}-${number(12)}-${mixed(24)}`),
    ),
    whole('Slack app token', `xapp-1-A${capitals(10)}-${number(13)}-${hex(64)}`),
    whole('Slack refresh token', `xoxe-1-${mixed(140)}`),
    beside(
      'Slack webhook',
      'https://',
      `hooks.slack.com/services/T${capitals(8)}/B${capitals(10)}/${mixed(24)}`,
    ),
    beside('Discord webhook', 'https://', `discord.com/api/webhooks/${number(18)}/${url64(68)}`),
    whole('Discord bot token', `MTk${mixed(21)}.${url64(6)}.${url64(38)}`),
    ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'].map((prefix) =>
      whole(`Stripe ${prefix}`, `${prefix}${mixed(24)}`),
    ),
    whole('Stripe webhook secret', `whsec_${mixed(32)}`),
    whole('Twilio API key', `SK${hex(32)}`),
    beside('Twilio auth token', 'TWILIO_AUTH_TOKEN=', hex(32)),
    whole('SendGrid', `SG.${url64(22)}.${url64(43)}`),
    whole('Mailgun', `key-${hex(32)}`),
    whole('Mailchimp', `${hex(32)}-us21`),
    whole('OpenAI', `sk-${mixed(48)}`),
    whole('OpenAI project', `sk-proj-${url64(120)}`),
    whole('OpenAI service account', `sk-svcacct-${url64(80)}`),
    whole('Anthropic', `sk-ant-api03-${url64(93)}`),
    whole('OpenRouter', `sk-or-v1-${hex(64)}`),
    whole('Hugging Face', `hf_${mixed(34)}`),
    whole('Groq', `gsk_${mixed(52)}`),
    whole('Perplexity', `pplx-${mixed(48)}`),
    whole('Replicate', `r8_${mixed(37)}`),
    whole('xAI', `xai-${mixed(80)}`),
    beside('Cohere', 'COHERE_API_KEY=', mixed(40)),
    beside('Mistral', 'Mistral API key: ', mixed(32)),
    whole('Telegram', `${number(10)}:AA${url64(33)}`),
    beside('Telegram URL', 'https://api.telegram.org/bot', `${number(9)}:AA${url64(33)}`, '/sendMessage'),
    whole('Airtable token', `pat${mixed(14)}.${hex(64)}`),
    whole('Airtable key', `key${mixed(14)}`),
    whole('Notion secret', `secret_${mixed(43)}`),
    whole('Notion token', `ntn_${mixed(46)}`),
    ...['shpat_', 'shpss_', 'shpca_', 'shppa_'].map((prefix) =>
      whole(`Shopify ${prefix}`, `${prefix}${hex(32)}`),
    ),
    whole('npm', `npm_${mixed(36)}`),
    whole('PyPI', `pypi-AgEIcHlwaS5vcmc${url64(120)}`),
    whole('RubyGems', `rubygems_${hex(48)}`),
    whole('Docker', `dckr_pat_${url64(27)}`),
    whole('DigitalOcean', `dop_v1_${hex(64)}`),
    whole('Linear', `lin_api_${mixed(40)}`),
    whole('Figma', `figd_${url64(40)}`),
    whole('Atlassian', `ATATT3xFfGF0${url64(170)}=${capitals(8)}`),
    whole('Asana', `1/${number(16)}:${hex(32)}`),
    whole('HubSpot', `pat-na1-${uuid()}`),
    whole('Square', `EAAA${url64(60)}`),
    whole('PayPal', `access_token$production$${mixed(16)}$${hex(32)}`),
    whole('Plaid', `access-production-${uuid()}`),
    whole('Supabase', `sbp_${hex(40)}`),
    whole('Netlify', `nfp_${mixed(36)}`),
    beside('Vercel', 'VERCEL_TOKEN=', mixed(24)),
    beside('Cloudflare', 'CLOUDFLARE_API_TOKEN=', url64(40)),
    beside('Heroku', 'HEROKU_API_KEY=', uuid()),
    whole('Databricks', `dapi${hex(32)}`),
    beside('Sentry DSN', 'https://', hex(32), '@o12345.ingest.sentry.io/678'),
    whole('Sentry', `sntrys_${base64(120)}`),
    whole('New Relic', `NRAK-${capitals(27)}`),
    whole('Grafana service account', `glsa_${mixed(32)}_${hex(8)}`),
    whole('Grafana cloud', `glc_${base64(80)}`),
    whole('Doppler', `dp.pt.${mixed(43)}`),
    whole('Vault', `hvs.${url64(90)}`),
    whole('Terraform', `${mixed(14)}.atlasv1.${url64(67)}`),
    whole('Pulumi', `pul-${hex(40)}`),
    whole('Postman', `PMAK-${hex(24)}-${hex(34)}`),
    beside('Algolia', '"X-Algolia-API-Key": "', hex(32), '"'),
    whole('Flowkeep access token', `fk_${mixed(38)}`),
    whole('Flowkeep webhook token', `whk_${url64(43)}`),
    whole('Flowkeep refresh token', `fkr_${url64(43)}.${url64(20)}`),
    whole('Flowkeep device token', `fkd_${url64(22)}_${hex(8)}_${hex(64)}`),
    whole('JWT', jwt()),
    beside('n8n API key', 'X-N8N-API-KEY: ', jwt()),
    beside('bearer header', 'Authorization: Bearer ', url64(32)),
    beside('bearer in prose', 'request sent with Bearer ', url64(40), ' was refused'),
    beside('basic header', 'Authorization: Basic ', btoa(`user:${mixed(16)}`)),
    beside('basic in prose', 'sent Basic ', btoa(`maya:${mixed(18)}`)),
    beside('token header', 'Authorization: Token ', hex(40)),
    beside('unknown scheme', 'authorization: Custom ', url64(30)),
    beside('cookie', 'Cookie: theme=dark; sid=', url64(32)),
    beside('set-cookie', 'Set-Cookie: session=', url64(40), '; Path=/; HttpOnly'),
    beside('API key header', 'X-API-Key: ', mixed(24)),
    beside('API key header in JSON', '"x-api-key":"', mixed(24), '"'),
    beside('curl header', `curl -H 'X-Auth-Token: `, mixed(24), `' https://api.test`),
    beside('curl user', 'curl -u maya:', mixed(16), ' https://api.test'),
    beside('curl quoted user', `curl --user "maya:`, mixed(16), `" https://api.test`),
    ...[
      'key',
      'token',
      'api_key',
      'apikey',
      'access_token',
      'refresh_token',
      'client_secret',
      'password',
      'sig',
      'auth_token',
    ].map((name) =>
      beside(`URL parameter ${name}`, `https://api.test/v1?limit=5&${name}=`, mixed(24), '&page=2'),
    ),
    ...['password', 'client_secret', 'access_token'].map((name) =>
      beside(`form field ${name}`, `grant_type=password&${name}=`, mixed(20), '&scope=all'),
    ),
    ...['password', 'apiKey', 'client_secret', 'accessToken', 'secret', 'private_key', 'token'].flatMap(
      (name) => [
        beside(`JSON ${name}`, `{"user":"maya","${name}":"`, mixed(20), '","page":2}'),
        beside(`JavaScript ${name}`, `const options = { ${name}: '`, mixed(20), `', retry: true }`),
        beside(`YAML ${name}`, `user: maya\n${name}: `, mixed(20), '\npage: 2'),
        beside(`assigned ${name}`, `${name} = "`, mixed(20), '";'),
      ],
    ),
    beside('password with marks', '{"password":"', `p@ss,${mixed(6)}!#%;${mixed(6)}`, '"}'),
    beside('passphrase', '{"password":"', `correct horse battery ${mixed(8)}`, '"}'),
    ...['postgres', 'mysql', 'mongodb+srv', 'redis', 'amqp', 'smtp', 'https', 'postgresql', 'mssql'].map(
      (protocol) => beside(`${protocol} URL`, `${protocol}://maya:`, mixed(16), '@db.test:5432/orders'),
    ),
    beside('URL without a user', 'redis://:', mixed(16), '@cache.test:6379'),
    beside(
      'URL with an unescaped password',
      'postgres://maya:',
      `${mixed(8)}/${mixed(8)}#${mixed(8)}`,
      '@db.test/orders',
    ),
    beside(
      'SQL Server',
      'Server=tcp:db.test,1433;User Id=sa;Password=',
      `${mixed(8)}!${mixed(8)}`,
      ';Encrypt=true',
    ),
    beside('ODBC', 'Driver={ODBC Driver 18};Server=db.test;UID=sa;PWD={', mixed(16), '};'),
    beside('JDBC', 'jdbc:postgresql://db.test/orders?user=maya&password=', mixed(16)),
    ...[
      'PRIVATE KEY',
      'RSA PRIVATE KEY',
      'EC PRIVATE KEY',
      'OPENSSH PRIVATE KEY',
      'ENCRYPTED PRIVATE KEY',
      'CERTIFICATE',
      'PGP PRIVATE KEY BLOCK',
      'ANY OTHER LABEL',
    ].map((label) => whole(`PEM ${label}`, pem(label))),
    whole('PEM with escaped breaks', pem('PRIVATE KEY').replaceAll('\n', '\\n')),
    whole('PEM on one line', pem('RSA PRIVATE KEY').replaceAll('\n', ' ')),
    whole(
      'PEM with headers',
      pem('RSA PRIVATE KEY').replace(
        '\n',
        '\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n',
      ),
    ),
    beside('PEM without an end', '-----BEGIN PRIVATE KEY-----\n', pemBody(3)),
    whole('age', `AGE-SECRET-KEY-1${capitals(58)}`),
    beside('password in XML', '<password>', mixed(14), '</password>'),
    beside('n8n parameter', '{"name":"X-Api-Key","value":"', mixed(20), '"}'),
    beside('command-line flag', 'deploy --api-key ', mixed(24), ' --verbose'),
    beside('environment', 'export DB_PASSWORD=', mixed(12)),
  ]
}

export interface Context {
  name: string
  wrap: (text: string) => string
  /** Form of the secret inside the text. */
  form?: (secret: string) => string
}

const escaped = (text: string) => JSON.stringify(text).slice(1, -1)

export const contexts: Context[] = [
  { name: 'alone', wrap: (text) => text },
  { name: 'at the start', wrap: (text) => `${text} is not valid` },
  { name: 'at the end', wrap: (text) => `Request failed: ${text}` },
  { name: 'in the middle', wrap: (text) => `The service said ${text} and closed the connection.` },
  { name: 'in parentheses', wrap: (text) => `Refused (${text})` },
  { name: 'before a full stop', wrap: (text) => `Refused ${text}.` },
  { name: 'on a line of its own', wrap: (text) => `Refused\n${text}\r\nagain` },
  { name: 'among letters that are not ASCII', wrap: (text) => `错误：${text}。é` },
  { name: 'in typographic quotes', wrap: (text) => `“${text}”` },
  { name: 'twice', wrap: (text) => `${text}\n${text}` },
  { name: 'in a JSON string', wrap: (text) => JSON.stringify({ message: `Failed: ${text}` }), form: escaped },
  {
    name: 'in JSON within JSON',
    wrap: (text) => JSON.stringify({ body: JSON.stringify({ message: `Failed: ${text}` }) }),
    form: (secret) => escaped(escaped(secret)),
  },
  { name: 'after a tag', wrap: (text) => `<p>${text}</p>` },
  { name: 'in Markdown code', wrap: (text) => `Use \`${text}\` here` },
  { name: 'in a list', wrap: (text) => `a, ${text}, b` },
  { name: 'after an equals sign', wrap: (text) => `value=${text}` },
  { name: 'after many words', wrap: (text) => `${'lorem ipsum dolor '.repeat(200)}${text}` },
]
