/** @module The credentials that a node requires and does not have, by n8n's check before it publishes. */
import type { JsonObject } from '../../lib/json-object.ts'
import { isDisplayed, ownValue } from '../../n8n/catalogue/display-options.ts'
import type { ResolvedNode } from './resolve.ts'

export interface MissingCredential {
  /** `not-configured`: attached without an ID */
  type: 'missing' | 'not-configured'
  credentialName: string
  /** n8n's name of it */
  displayName: string
}

/** Only credentials that the node type declares. n8n does not check the ones that a parameter selects. */
export function missingCredentials(
  node: JsonObject,
  { facts, values, context }: ResolvedNode,
): MissingCredential[] {
  const scope = { values, root: values }
  return facts.credentials.flatMap(({ name, displayName = name, required, displayOptions }) => {
    if (required !== true || !isDisplayed(displayOptions, scope, context)) return []
    const attached = ownValue(node.credentials, name)
    if (attached && (ownValue(attached, 'id') || ownValue(attached, '__aiGatewayManaged'))) return []
    return [{ type: attached ? 'not-configured' : 'missing', credentialName: name, displayName }]
  })
}
