/** @module Literals in a node that look like secrets. Says where and of what kind, never the value. */
import { isExpression } from './display-options.ts'

export interface HardCodedSecret {
  /** such as `parameters.headerParameters.parameters[0].value` */
  path: string
  /** such as `a bearer token` */
  kind: string
}

const MAX_FINDINGS = 20
const MAX_PATH_LENGTH = 200

/**
 * Each is linear: no two neighbouring parts take the same character, and a start that fails has read a bounded number
 * of characters. The first group, if any, is what must not look like a placeholder.
 */
const PATTERNS: [RegExp, string][] = [
  [/\bBearer\s{1,4}([\w.~+/=-]{16,})/gi, 'a bearer token'],
  [/\bsk-([\w-]{20,})/g, 'an API key (sk-…)'],
  [/\bA[KS]IA[0-9A-Z]{16}\b/g, 'an AWS access key'],
  [/\bAIza[\w-]{35}/g, 'a Google API key'],
  [/\bgh[pousr]_([A-Za-z0-9]{20,})/g, 'a GitHub token'],
  [/\bgithub_pat_(\w{20,})/g, 'a GitHub token'],
  [/\bxox[a-z]-([A-Za-z0-9-]{10,})/g, 'a Slack token'],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g, 'a private key'],
  [/:\/\/[^\s/:@]+:([^\s/@]+)@/g, 'a password in a URL'],
]
const QUERY_PARAMETER = /[?&]([\w.-]{1,60})=([^&\s#"'`]{8,})/g
const PLACEHOLDER =
  /your|example|placeholder|replace|change.?me|xxxx|\.{3}|\*{3}|[<>]|\{\{|\$\{|^pass(?:word)?$|[-_]here|insert/i

const SECRET_ENDINGS = ['apikey', 'token', 'secret', 'password', 'passwd', 'authorization', 'privatekey']
const SECRET_NAMES = new Set(['cookie', 'auth', 'key', 'xapikey', 'bearer', 'accesskey', 'secretkey'])
/** Named like secrets, but not secret. */
const HARMLESS_ENDINGS = ['pagetoken', 'maxtoken', 'continuationtoken', 'synctoken']

/** Findings in everything the node holds, parameters above all; at most 20. */
export function findHardCodedSecrets(node: Record<string, unknown>): HardCodedSecret[] {
  const findings: HardCodedSecret[] = []
  const stack: { value: unknown; path: string; name: string }[] = [{ value: node, path: '', name: '' }]
  for (let at = stack.pop(); at && findings.length < MAX_FINDINGS; at = stack.pop()) {
    const { value, path, name } = at
    if (typeof value === 'string') {
      const kind = patternKind(value) ?? (isNamedSecret(name, value) ? 'a secret' : undefined)
      if (kind !== undefined) findings.push({ path: path.slice(0, MAX_PATH_LENGTH), kind })
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        stack.push({ value: item, path: `${path}[${index}]`, name: '' })
    } else if (typeof value === 'object' && value !== null) {
      const pairName = nameOfPair(value)
      for (const [key, item] of Object.entries(value)) {
        // A plain `key` is more often the key of something than a secret.
        const named = key === 'value' && pairName !== undefined ? pairName : key === 'key' ? '' : key
        stack.push({ value: item, path: path ? `${path}.${key}` : key, name: named })
      }
    }
  }
  return findings
}

/** n8n keeps headers, query parameters and fields as `{ name, value }`. */
function nameOfPair(value: object): string | undefined {
  const { name, key } = value as { name?: unknown; key?: unknown }
  if (typeof name === 'string') return name
  return typeof key === 'string' ? key : undefined
}

function patternKind(text: string): string | undefined {
  for (const [pattern, kind] of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      if (!PLACEHOLDER.test(match[1] ?? '')) return kind
    }
  }
  if (holdsJwt(text)) return 'a JSON web token'
  for (const [, name = '', value = ''] of text.matchAll(QUERY_PARAMETER)) {
    if (isNamedSecret(name, value)) return 'a secret in a URL'
  }
  return undefined
}

/** By splitting, for a pattern of three open-ended parts is not linear. */
function holdsJwt(text: string): boolean {
  if (!text.includes('.eyJ')) return false
  return text.split(/[^\w.-]/).some((word) => {
    const parts = word.split('.')
    return parts.some((part, index) => isJwtPart(part) && isJwtPart(parts[index + 1] ?? ''))
  })
}

function isJwtPart(part: string): boolean {
  return part.startsWith('eyJ') && part.length >= 10
}

function isNamedSecret(name: string, value: string): boolean {
  if (value.length < 8 || isExpression(value) || /\s{2}|\n/.test(value)) return false
  const plain = name
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
  if (HARMLESS_ENDINGS.some((ending) => plain.endsWith(ending))) return false
  const secret = SECRET_NAMES.has(plain) || SECRET_ENDINGS.some((ending) => plain.endsWith(ending))
  return secret && !PLACEHOLDER.test(value)
}
