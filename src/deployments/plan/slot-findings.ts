/** @module The findings about credential slots, and how to fix them. Pure. */
import { normalForm } from '../../lib/normal-form.ts'
import { pointerTo } from '../../lib/json-object.ts'
import type { SlotBinding } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import { choiceOf, type NewHost } from '../../workflows/binding-sources.ts'
import {
  isSameName,
  type Misnamed,
  nameOf,
  quoted,
  type ResolvedSlot,
} from '../../workflows/slot-bindings.ts'

/** Errors for unfilled slots and warnings for filled ones. */
export function slotFindings(slots: readonly ResolvedSlot[]): Finding[] {
  return slots.flatMap((slot): Finding[] => {
    const problem = unfilled(slot)
    return problem ? [problem] : warningsOf(slot)
  })
}

/**
 * @throws {AppError} `invalid` with an error and a finding in `problems` for each unfilled slot, and with the sign-in URLs
 * in `consents`
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

/** The error of an unfilled slot, for plans and rejected deployments. */
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
      message: `${newHostMessage(slot, newHost)}. To allow this, bind it with ${entry}`,
    }
  }
  if (slot.lostChoice) {
    return {
      ...at,
      code: 'credential-missing',
      message:
        `The ${displayName} credential that was chosen for the ${slot.lostChoice} no longer exists. Choose another one ` +
        `there, or bind one to ${quoted(node.name)} with ${entry}`,
    }
  }
  if (slot.chosenElsewhere) {
    return {
      ...at,
      code: 'credential-of-other-environment',
      message:
        `The ${displayName} credential ${quoted(slot.chosenElsewhere.name)} was chosen for another environment or instance. ` +
        `Choose one for this environment, or bind it to ${quoted(node.name)} with ${entry}`,
    }
  }
  if (inN8n === 'gone') {
    return {
      ...at,
      code: 'n8n-credential-missing',
      message:
        `n8n has no ${type} credential with ID ${idInN8n(slot)}. Bind another ${displayName} credential ` +
        `for ${quoted(node.name)}`,
    }
  }
  if (status === 'needs-consent') {
    return { ...at, code: 'credential-needs-consent', message: consentMessage(slot) }
  }
  if (status === 'missing') {
    const alike = candidates.find(
      ({ name }) => named?.name != null && normalizeName(name) === normalizeName(named.name),
    )
    return {
      ...at,
      code: 'credential-missing',
      message:
        named?.name == null
          ? `${quoted(node.name)} needs a ${displayName} credential. Create one` +
            (candidates.length > 0 ? `, or bind one with ${entry}` : '')
          : `${quoted(node.name)} references the ${displayName} credential ${quoted(named.name)}, which does not exist` +
            (alike ? ` (did you mean ${quoted(alike.name)}?)` : '') +
            `. Create it with this name, or bind another one with ${entry}`,
    }
  }
  const rejected = candidates.find((each) => each.status === 'invalid' && isOnlyOrNamed(each.name, slot))
  if (rejected) {
    return {
      ...at,
      code: 'credential-rejected',
      message:
        `The ${displayName} credential ${quoted(rejected.name)} was rejected by its service. Update its data, or bind a ` +
        `credential to ${quoted(node.name)} with ${entry}`,
    }
  }
  return {
    ...at,
    code: 'credential-ambiguous',
    message:
      (candidates.length === 1
        ? `Your ${displayName} credential is not bound to ${quoted(node.name)} automatically, because the workflow does not ` +
          'name it'
        : `${quoted(node.name)} needs one of your ${candidates.length} ${displayName} credentials`) +
      `. Bind it with ${entry}`,
  }
}

function newHostMessage(slot: ResolvedSlot, newHost: NewHost): string {
  const { node } = slot
  const label = labelOf(slot, newHost.credential)
  if (newHost.hasNewInputs) {
    return (
      `${quoted(node.name)} sends ${lowerFirst(label)} to a host that is determined at run time by ` +
      `${computedBy(slot)}, and the nodes it reads from have changed since the last deploy`
    )
  }
  return (
    `${label} was previously sent to ${hostsBefore(newHost)}, but ${quoted(node.name)} ` +
    `sends it to ${newHost.to ?? `a host that is determined at run time by ${computedBy(slot)}`}`
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
      `${which} needs a sign-in in n8n. Deploy to create it in n8n and get the sign-in URL, ` +
      'or bind an existing n8n credential by its n8nCredentialId'
    )
  }
  return inN8n === 'consent-unknown'
    ? `n8n does not report whether ${lowerFirst(which)} is signed in. Sign in at ${consentUrl}, then bind it by its ` +
        'n8nCredentialId, the last part of that URL'
    : `${which} needs a sign-in in n8n; without it every run fails. Sign in at ${consentUrl}, then deploy again`
}

const idInN8n = ({ credential }: ResolvedSlot): string =>
  credential && 'n8nCredentialId' in credential ? credential.n8nCredentialId : ''

/** For suggestions: ignores case and whitespace. */
const normalizeName = (name: string): string =>
  normalForm(name, 'NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()

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
        `The host that ${quoted(node.name)} sends its ${displayName} credential to is determined at run time by ` +
        `${computedBy(slot)}. Write the host into the URL, such as https://api.example.com/{{ … }}`,
    })
  }
  if (slot.chosenElsewhere) {
    findings.push({
      ...at,
      code: 'credential-of-other-environment',
      pointer: `/nodes/${node.index}`,
      message:
        `${quoted(node.name)} still uses the ${displayName} credential ${quoted(slot.chosenElsewhere.name)}, its earlier ` +
        'binding, which was chosen for another environment or instance. Choose one for this environment',
    })
  }
  if (slot.misnamed) findings.push(misnamedFinding(slot, slot.misnamed))
  if (inN8n === 'consent-unknown') {
    findings.push({
      ...at,
      code: 'credential-consent-unknown',
      pointer: `/nodes/${node.index}`,
      message:
        `n8n does not report whether the ${displayName} credential of ${quoted(node.name)} is signed in. ` +
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

/** An earlier binding wins over the name in the JSON. Reports it, because the JSON may have been changed on purpose. */
function misnamedFinding(slot: ResolvedSlot, { other, isNew }: Misnamed): Finding {
  const { node, type, displayName, named } = slot
  const name = quoted(named?.name ?? '')
  const kept = nameOf(slot)
  const earlier = `${kept === undefined ? 'a credential that only n8n has' : quoted(kept)}, its earlier binding`
  const credentialId = other ? JSON.stringify(other.id) : '…'
  const entry = `{ "node": ${JSON.stringify(node.name)}, "type": "${type}", "credentialId": ${credentialId} } in bindings`
  return {
    code: 'credential-not-as-named',
    // The same JSON was already deployed with the same credential.
    level: other || isNew ? 'warning' : 'hint',
    node: node.name,
    pointer: [type].reduce(pointerTo, `/nodes/${node.index}/credentials`),
    message: other
      ? `${quoted(node.name)} references the ${displayName} credential ${quoted(other.name)} but still uses ${earlier}. ` +
        `To use ${quoted(other.name)}, bind it with ${entry}`
      : `${quoted(node.name)} references the ${displayName} credential ${name}, which does not exist, and still uses ` +
        `${earlier}. Change the name in the workflow, or bind another credential with ${entry}`,
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
  return from.length > 0 ? 'a host that was determined at run time' : 'no custom URL'
}
