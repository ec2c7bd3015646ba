/** @module Labels for the fields and options of n8n's credential types. The catalogue has only their names. */
import { NewCredential } from '../../credentials/contract.ts'

const spellings: Record<string, string> = {
  api: 'API',
  url: 'URL',
  uri: 'URI',
  id: 'ID',
  ip: 'IP',
  ssl: 'SSL',
  tls: 'TLS',
  ssh: 'SSH',
  http: 'HTTP',
  https: 'HTTPS',
  json: 'JSON',
  jwt: 'JWT',
  jwe: 'JWE',
  jwks: 'JWKS',
  pem: 'PEM',
  ca: 'CA',
  sql: 'SQL',
  imap: 'IMAP',
  smtp: 'SMTP',
  ftp: 'FTP',
  sso: 'SSO',
  dn: 'DN',
  tds: 'TDS',
  iam: 'IAM',
  aws: 'AWS',
  sts: 'STS',
  arn: 'ARN',
  pkce: 'PKCE',
  oauth: 'OAuth',
  s3: 'S3',
  uuid: 'UUID',
  db: 'DB',
  dsn: 'DSN',
  certs: 'certificates',
  defs: 'definitions',
}
const wordPattern = /[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+/g

/** `allowUnauthorizedCerts` → Allow unauthorized certificates; `clientId` → Client ID. */
export function fieldLabel(name: string): string {
  const words = (name.match(wordPattern) ?? [name]).map((word) => {
    const lower = word.toLowerCase()
    return spellings[lower] ?? (word.length > 1 && word === word.toUpperCase() ? word : lower)
  })
  const text = words.join(' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Spells out words. Codes such as us-east-1 or HS256 stay unchanged. */
export const optionLabel = (value: unknown): string =>
  typeof value === 'string' && /^(?:all|[a-z]{4,}|[a-z]{3,}(?:[A-Z][a-z]+)+)$/.test(value)
    ? fieldLabel(value)
    : String(value)

/** Whether the name is valid for an n8n credential type. */
export const isTypeName = (type: string): boolean => NewCredential.shape.type.safeParse(type).success
