/** @module Finds literals in a node that look like secrets. Reports path and kind, never the value. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
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

/** The way from a value to the node. Paths are built only for findings. */
interface Place {
  key: string | number
  above: Place | null
}

/** Searches all fields of the node, the last one first. Returns at most 20 findings. */
export function findHardCodedSecrets(node: Record<string, unknown>): HardCodedSecret[] {
  const findings: HardCodedSecret[] = []
  /** @param name of the member, or of its pair */
  const visit = (value: unknown, name: string, place: Place | null): void => {
    if (typeof value === 'string') {
      if (value.length < MIN_CHARS) return
      const kind = kindIn(value) ?? (isNamedSecret(name, value) ? 'a secret' : undefined)
      if (kind !== undefined) findings.push({ path: pathOf(place).slice(0, MAX_PATH_LENGTH), kind })
    } else if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0 && findings.length < MAX_FINDINGS; index -= 1) {
        const item: unknown = value[index]
        if (typeof item === 'string' || isContainer(item)) visit(item, '', { key: index, above: place })
      }
    } else if (isContainer(value)) {
      const pairName = pairNameOf(value)
      const keys = Object.keys(value)
      for (let at = keys.length - 1; at >= 0 && findings.length < MAX_FINDINGS; at -= 1) {
        const key = keys[at] ?? ''
        const item = (value as JsonObject)[key]
        if (typeof item !== 'string' && !isContainer(item)) continue
        // A field named just `key` is usually not a secret.
        const named = key === 'value' && pairName !== undefined ? pairName : key === 'key' ? '' : key
        visit(item, named, { key, above: place })
      }
    }
  }
  visit(node, '', null)
  return findings
}

function pathOf(place: Place | null): string {
  const steps: string[] = []
  for (let at = place; at; at = at.above)
    steps.push(typeof at.key === 'number' ? `[${at.key}]` : at.above ? `.${at.key}` : at.key)
  return steps.toReversed().join('')
}

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

function kindIn(text: string): string | undefined {
  // The IDs of nodes and conditions: only a name makes one secret.
  if (text.length === 36 && uuid.test(text)) return undefined
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
  if (kind === null || name === CREDENTIAL_TYPE || isExpression(value)) return false
  // Query parameters only: other fields with these names are usually not secrets.
  if (kind === 'parameter') return /^(?:key|auth)$/i.test(name) && isSecretValue(kind, value, 'url')
  return isSecretValue(kind, value, 'quoted')
}
