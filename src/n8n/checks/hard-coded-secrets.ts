/** @module Finds literals in a node that look like secrets. Reports path and kind, never the value. */
import { isContainer } from '../../lib/json-object.ts'
import { pairNameOf } from '../../lib/secrets/redact-json.ts'
import { secretNameKind } from '../../lib/secrets/names.ts'
import { isSecretValue } from '../../lib/secrets/values.ts'
import { findSecrets } from '../../lib/secrets/redact.ts'
import { isExpression } from '../catalogue/display-options.ts'

export interface HardCodedSecret {
  /** such as `parameters.headerParameters.parameters[0].value` */
  path: string
  /** such as `a bearer token` */
  kind: string
}

const MAX_FINDINGS = 20
const MAX_PATH_LENGTH = 200

const MIN_CHARS = 8

/** A field that names a credential type. */
const CREDENTIAL_TYPE = 'extendsCredential'

/** Searches all fields of the node. Returns at most 20 findings. */
export function findHardCodedSecrets(node: Record<string, unknown>): HardCodedSecret[] {
  const findings: HardCodedSecret[] = []
  const stack: { value: unknown; path: string; name: string }[] = [{ value: node, path: '', name: '' }]
  for (let at = stack.pop(); at && findings.length < MAX_FINDINGS; at = stack.pop()) {
    const { value, path, name } = at
    if (typeof value === 'string') {
      const kind = kindIn(value) ?? (isNamedSecret(name, value) ? 'a secret' : undefined)
      if (kind !== undefined) findings.push({ path: path.slice(0, MAX_PATH_LENGTH), kind })
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        stack.push({ value: item, path: `${path}[${index}]`, name: '' })
    } else if (isContainer(value)) {
      const pairName = pairNameOf(value)
      for (const [key, item] of Object.entries(value)) {
        // A field named just `key` is usually not a secret.
        const named = key === 'value' && pairName !== undefined ? pairName : key === 'key' ? '' : key
        stack.push({ value: item, path: path ? `${path}.${key}` : key, name: named })
      }
    }
  }
  return findings
}

function kindIn(text: string): string | undefined {
  const found = findSecrets(text).find(({ start, end }) => !isSample(text.slice(start, end)))
  if (!found) return undefined
  return found.kind === 'a secret' && /[?&][\w.-]{1,60}=$/.test(text.slice(0, found.start).slice(-62))
    ? 'a secret in a URL'
    : found.kind
}

/** A documentation placeholder: redacted, but not reported. */
const isSample = (secret: string): boolean => secret.length < MIN_CHARS || /:pass(?:word)?$/i.test(secret)

function isNamedSecret(name: string, value: string): boolean {
  const kind = secretNameKind(name)
  if (kind === null || name === CREDENTIAL_TYPE || value.length < MIN_CHARS || isExpression(value))
    return false
  // Query parameters only: other fields with these names are usually not secrets.
  if (kind === 'parameter') return /^(?:key|auth)$/i.test(name) && isSecretValue(kind, value, 'url')
  return isSecretValue(kind, value, 'quoted')
}
