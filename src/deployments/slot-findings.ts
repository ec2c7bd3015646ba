/** @module What stands in the way of a slot, or is to be known about it, and how to fix it. Pure. */
import type { SlotBinding } from '../db/schema/deployments.ts'
import { AppError } from '../errors.ts'
import type { Finding } from '../n8n/finding.ts'
import { pointerTo } from '../n8n/workflow-json.ts'
import { choiceOf, type NewHost } from '../workflows/binding-sources.ts'
import { isSameName, type Misnamed, nameOf, quoted, type ResolvedSlot } from '../workflows/slot-bindings.ts'

/** Errors of the slots that are not filled, warnings of those that are. */
export function slotFindings(slots: readonly ResolvedSlot[]): Finding[] {
  return slots.flatMap((slot): Finding[] => {
    const problem = unfilled(slot)
    return problem ? [problem] : warningsOf(slot)
  })
}

/**
 * @throws {AppError} `invalid` with one entry, and one finding in `problems`, for each slot that is not filled; with the
 * places to sign in as `consents`
 */
export function requireBound(slots: readonly ResolvedSlot[]): SlotBinding[] {
  const problems = slots.flatMap((slot) => unfilled(slot) ?? [])
  const [first] = problems
  if (first) {
    const errors = problems.map(({ message }) => ({ pointer: '/bindings', detail: message }))
    const consents = slots.flatMap(({ node, type, consentUrl }) =>
      consentUrl === undefined ? [] : [{ node: node.name, type, consentUrl }],
    )
    const extra = { problems, ...(consents.length > 0 && { consents }) }
    throw new AppError('invalid', `/bindings: ${first.message}`, { errors, extra })
  }
  return slots.flatMap(({ node, type, credential }) =>
    credential ? [{ node: node.name, type, ...choiceOf(credential) }] : [],
  )
}

/** A slot that nothing fills, as a plan and a refused deployment say it. */
function unfilled(slot: ResolvedSlot): Finding | undefined {
  const { node, type, displayName, named, candidates, status, newHost, inN8n } = slot
  if (status === 'bound' || status === 'n8n') return undefined
  const at = { level: 'error', node: node.name, pointer: `/nodes/${node.index}` } as const
  const entry = `{ "node": ${JSON.stringify(node.name)}, "type": "${type}", "credentialId": … } in bindings`
  if (newHost) {
    return {
      ...at,
      code: 'credential-new-host',
      pointer: urlPointer(slot),
      message: `${newHostMessage(slot, newHost)}. To send it there, choose it with ${entry}`,
    }
  }
  if (inN8n === 'gone') {
    return {
      ...at,
      code: 'n8n-credential-missing',
      message:
        `n8n has no ${type} credential with the id ${idInN8n(slot)}. Choose another ${displayName} credential ` +
        `for ${quoted(node.name)}`,
    }
  }
  if (status === 'needs-consent') {
    return { ...at, code: 'credential-needs-consent', message: consentMessage(slot) }
  }
  if (status === 'missing') {
    const alike = candidates.find(({ name }) => named?.name != null && fold(name) === fold(named.name))
    return {
      ...at,
      code: 'credential-missing',
      message:
        named?.name == null
          ? `${quoted(node.name)} needs a ${displayName} credential. Create one` +
            (candidates.length > 0 ? `, or choose one with ${entry}` : '')
          : `${quoted(node.name)} names the ${displayName} credential ${quoted(named.name)}, which you do not have` +
            (alike ? `; you have ${quoted(alike.name)}` : '') +
            `. Create it with this name, or choose another one with ${entry}`,
    }
  }
  const rejected = candidates.find((each) => each.status === 'invalid' && isOnlyOrNamed(each.name, slot))
  if (rejected) {
    return {
      ...at,
      code: 'credential-rejected',
      message:
        `The ${displayName} credential ${quoted(rejected.name)} was rejected by its service. Update its data, or choose a ` +
        `credential for ${quoted(node.name)} with ${entry}`,
    }
  }
  return {
    ...at,
    code: 'credential-ambiguous',
    message:
      (candidates.length === 1
        ? `Your ${displayName} credential is not bound to ${quoted(node.name)} by itself, because nothing says that it is the one`
        : `${quoted(node.name)} needs one of your ${candidates.length} ${displayName} credentials`) +
      `. Choose it with ${entry}`,
  }
}

function newHostMessage(slot: ResolvedSlot, newHost: NewHost): string {
  const { node } = slot
  const label = labelOf(slot, newHost.credential)
  if (newHost.hasNewInputs) {
    return (
      `${quoted(node.name)} sends ${lowerFirst(label)} to a host that is decided at run time by ` +
      `${computedBy(slot)}, and the nodes that this reads have changed since it was deployed`
    )
  }
  return (
    `${label} was sent to ${hostsBefore(newHost)} before, and ${quoted(node.name)} ` +
    `would send it to ${newHost.to ?? `a host that is decided at run time by ${computedBy(slot)}`}`
  )
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

const computedBy = ({ node }: ResolvedSlot): string => {
  const computed = node.destination?.computed ?? []
  return computed.length > 0 ? computed.map(quoted).join(' and ') : 'an empty URL'
}

function consentMessage(slot: ResolvedSlot): string {
  const { node, credential, consentUrl, inN8n } = slot
  const which = `${labelOf(slot, credential)} of ${quoted(node.name)}`
  if (consentUrl === undefined) {
    return (
      `Nobody has signed in for ${which} yet. Deploy, which puts it into n8n and answers with the place to sign in; ` +
      'or choose one of n8n by its n8nCredentialId'
    )
  }
  return inN8n === 'consent-unknown'
    ? `n8n does not tell whether somebody has signed in for ${which}. Sign in at ${consentUrl}, then choose it by its ` +
        'n8nCredentialId, the last part of that URL'
    : `Nobody has signed in for ${which} yet, so every run would fail. Sign in at ${consentUrl}, then deploy again`
}

const idInN8n = ({ credential }: ResolvedSlot): string =>
  credential && 'n8nCredentialId' in credential ? credential.n8nCredentialId : ''

/** Names that differ only in case and spaces are not the same, but probably meant. */
const fold = (name: string): string => name.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()

function warningsOf(slot: ResolvedSlot): Finding[] {
  const { node, credential, candidates, displayName, inN8n, consentUrl } = slot
  const at = { level: 'warning', node: node.name } as const
  const findings: Finding[] = []
  if (node.destination?.host === null) {
    findings.push({
      ...at,
      code: 'credential-host-unknown',
      pointer: urlPointer(slot),
      message:
        `The host that ${quoted(node.name)} sends its ${displayName} credential to is decided at run time by ` +
        `${computedBy(slot)}. Write the host into the URL, such as https://api.example.com/{{ … }}, to know where it goes`,
    })
  }
  if (slot.misnamed) findings.push(misnamedFinding(slot, slot.misnamed))
  if (inN8n === 'consent-unknown') {
    findings.push({
      ...at,
      code: 'credential-consent-unknown',
      pointer: `/nodes/${node.index}`,
      message:
        `n8n does not tell whether somebody has signed in for the ${displayName} credential of ${quoted(node.name)}. ` +
        `Check it at ${consentUrl}`,
    })
  }
  const own = credential && 'credentialId' in credential ? credential.credentialId : undefined
  if (candidates.find(({ id }) => id === own)?.status === 'invalid') {
    findings.push({
      ...at,
      code: 'credential-rejected',
      pointer: `/nodes/${node.index}`,
      message: `${labelOf(slot, credential)} of ${quoted(node.name)} was rejected by its service. Update its data`,
    })
  }
  return findings
}

/** What was bound before comes first. The JSON may have been changed to say otherwise, so that it is not kept silently. */
function misnamedFinding(slot: ResolvedSlot, { other, isNew }: Misnamed): Finding {
  const { node, type, displayName, named } = slot
  const name = quoted(named?.name ?? '')
  const kept = nameOf(slot)
  const keeps = `${kept === undefined ? 'one that only n8n has' : quoted(kept)}, which this deployment bound to the node before`
  const credentialId = other ? JSON.stringify(other.id) : '…'
  const entry = `{ "node": ${JSON.stringify(node.name)}, "type": "${type}", "credentialId": ${credentialId} } in bindings`
  return {
    code: 'credential-not-as-named',
    // The same JSON was deployed with the same credential before.
    level: other || isNew ? 'warning' : 'hint',
    node: node.name,
    pointer: [type].reduce(pointerTo, `/nodes/${node.index}/credentials`),
    message: other
      ? `${quoted(node.name)} names the ${displayName} credential ${quoted(other.name)}, and keeps ${keeps}. To use ` +
        `${quoted(other.name)}, choose it with ${entry}`
      : `${quoted(node.name)} names the ${displayName} credential ${name}, which you do not have, and keeps ${keeps}. ` +
        `Change the name in the workflow, or choose another credential with ${entry}`,
  }
}

const isOnlyOrNamed = (name: string, { named, candidates }: ResolvedSlot): boolean =>
  candidates.length === 1 || (named?.name != null && isSameName(named.name, name))

const urlPointer = ({ node }: ResolvedSlot): string =>
  (node.destination?.parameter ?? []).reduce(pointerTo, `/nodes/${node.index}/parameters`)

function labelOf({ candidates, displayName }: ResolvedSlot, credential: ResolvedSlot['credential']): string {
  const id = credential && 'credentialId' in credential ? credential.credentialId : undefined
  const name = candidates.find((candidate) => candidate.id === id)?.name
  return name === undefined
    ? `The ${displayName} credential in n8n`
    : `The ${displayName} credential ${quoted(name)}`
}

function hostsBefore({ from, moreFrom }: NewHost): string {
  const known = from.flatMap((host) => host ?? [])
  if (known.length > 0) return known.join(', ') + (moreFrom > 0 ? ` and ${moreFrom} more` : '')
  return from.length > 0 ? 'a host that was decided at run time' : 'no URL of the workflow’s choice'
}
