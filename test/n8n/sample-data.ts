/** @module Sample data for any credential type, generated from the catalogue. */
import { randomBytes, randomInt } from 'node:crypto'
import type { CredentialField, CredentialType } from '../../src/n8n/catalogue/catalogue.ts'

/** Valid data with every user field. Each string contains its own canary for leak checks. */
export function sampleCredentialData(type: CredentialType): Record<string, unknown> {
  const fields = type.fields.filter((field) => field.kind !== 'hidden')
  return Object.fromEntries(fields.map((field) => [field.name, sampleValue(field)]))
}

/** Valid data with only the required fields. */
export function minimalCredentialData(type: CredentialType): Record<string, unknown> {
  const fields = type.fields.filter((field) => field.required)
  return Object.fromEntries(fields.map((field) => [field.name, sampleValue(field)]))
}

/** All canaries in the data. */
export function canariesIn(data: unknown): string[] {
  return JSON.stringify(data).match(/canary-[0-9a-f]+/g) ?? []
}

function sampleValue(field: CredentialField): unknown {
  if (field.options) return field.options[randomInt(field.options.length)]
  if (['authUrl', 'accessTokenUrl', 'requestTokenUrl', 'serverUrl'].includes(field.name)) {
    return `https://${canary()}.example.test/`
  }
  switch (field.kind) {
    case 'number':
      return randomInt(1, 65_536)
    case 'boolean':
      return true
    case 'json':
      return JSON.stringify({ headers: { 'X-Canary': canary() } })
    case 'fixedCollection':
      return { values: [{ name: canary(), value: canary() }] }
    default:
      return canary()
  }
}

function canary(): string {
  return `canary-${randomBytes(12).toString('hex')}`
}
