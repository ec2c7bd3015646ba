/** @module The choices behind a plan, as URL parameters and form fields. Reads leniently, writes one canonical form. */
import type { CredentialChoice } from '../../../db/schema/deployments.ts'
import { AppError } from '../../../errors.ts'
import {
  Binding as BindingShape,
  type Bindings,
  Fixes,
  NewDeployment,
} from '../../../deployments/contract.ts'
import type { Deployer } from '../../../deployments/deploy/deployer.ts'
import type { Plan, PlannedSlot } from '../../../deployments/plan/contract.ts'

/** Fills one slot, or, without a node, every slot of the type that no other choice names. */
export interface SlotChoice {
  node: string | null
  type: string
  credential: CredentialChoice
  /** The host that the slot showed when the user chose. If the host changes, the choice is dropped. Undefined if unknown. */
  sentTo: string | null | undefined
}

export interface Choices {
  workflowId: string | null
  instanceId: string | null
  /** Null for the current version. */
  version: number | null
  publish: boolean
  reportSuccess: boolean
  /** Codes of the findings to fix. */
  fixes: string[]
  slots: SlotChoice[]
}

const { workflowId: Id, version: Version } = NewDeployment.shape
const maximumSlots = 2_000
const n8nPrefix = 'n8n:'
/** Marks a host that is determined at run time. */
const atRunTime = '?'
/** `credential.<type>`, or `credential.<type>:<node>`. */
const slotFieldName = /^credential\.([A-Za-z][\w.-]{0,127})(?::(.+))?$/s

/** Ignores values that it cannot parse. */
export function readChoices(params: URLSearchParams): Choices {
  const idOf = (name: string) => Id.safeParse(params.get(name)).data ?? null
  const slots = [...params].slice(0, maximumSlots).flatMap(([name, text]): SlotChoice[] => {
    const [, type, node = null] = slotFieldName.exec(name) ?? []
    if (type === undefined) return []
    const [first = '', host] = text.trim().split(' ', 2)
    const sentTo = host === atRunTime ? null : host
    const value = first.replace(n8nPrefix, '')
    // Flowkeep IDs are UUIDs; n8n IDs are not.
    const isOurs = !first.startsWith(n8nPrefix) && Id.safeParse(value).success
    const read = BindingShape.safeParse(isOurs ? value : { n8nCredentialId: value })
    if (!read.success) return []
    const credential = typeof read.data === 'string' ? { credentialId: read.data } : read.data
    return [{ node, type, credential, sentTo }]
  })
  return {
    workflowId: idOf('workflow'),
    instanceId: idOf('instance'),
    version: Version.safeParse(Number(params.get('version') || Number.NaN)).data ?? null,
    publish: params.get('publish') !== 'no',
    reportSuccess: params.get('report') === 'yes',
    fixes: Fixes.safeParse(params.get('fix')?.split(',') ?? []).data ?? [],
    slots,
  }
}

export const slotField = ({ node, type }: { node: string | null; type: string }): string =>
  node === null ? `credential.${type}` : `credential.${type}:${node}`

export const slotValue = (credential: CredentialChoice, sentTo: string | null | undefined): string => {
  const value =
    'credentialId' in credential ? credential.credentialId : `${n8nPrefix}${credential.n8nCredentialId}`
  return sentTo === undefined ? value : `${value} ${sentTo ?? atRunTime}`
}

/** In the format of the API. */
export const selectedBindings = ({ slots }: Pick<Choices, 'slots'>): Bindings =>
  slots.map(({ node, type, credential }) => ({ ...(node !== null && { node }), type, ...credential }))

/** The inverse of `readChoices`. */
export function choiceFields(choices: Choices): Record<string, string> {
  const { workflowId, instanceId, version, publish, reportSuccess, fixes, slots } = choices
  return {
    ...(workflowId && { workflow: workflowId }),
    ...(instanceId && { instance: instanceId }),
    ...(version !== null && { version: String(version) }),
    ...(!publish && { publish: 'no' }),
    ...(reportSuccess && { report: 'yes' }),
    ...(fixes.length > 0 && { fix: fixes.join(',') }),
    ...Object.fromEntries(slots.map((each) => [slotField(each), slotValue(each.credential, each.sentTo)])),
  }
}

export const planPath = (choices: Partial<Choices>): string => {
  const fields = choiceFields({
    workflowId: null,
    instanceId: null,
    version: null,
    publish: true,
    reportSuccess: false,
    fixes: [],
    slots: [],
    ...choices,
  })
  return `/deployments/new?${new URLSearchParams(fields)}`
}

export interface Planned {
  /** The planned choices, without the dropped ones. */
  choices: Choices
  plan: Plan | null
  /** Why each dropped choice did not fit. */
  dropped: string[]
}

/**
 * Plans the chosen deployment. Drops and reports a version or credential that no longer fits, such as after another
 * workflow was chosen.
 * @throws {AppError} `instance-*` and any other error of the planner
 */
export async function planOf(
  deployer: Pick<Deployer, 'planner'>,
  userId: string,
  chosen: Choices,
): Promise<Planned> {
  let choices = chosen
  const dropped: string[] = []
  for (;;) {
    const { workflowId, instanceId, version, publish, fixes } = choices
    if (workflowId === null || instanceId === null) return { choices, plan: null, dropped }
    const bindings = selectedBindings(choices)
    try {
      const request = {
        workflowId,
        instanceId,
        bindings,
        publish,
        fixes,
        ...(version !== null && { version }),
      }
      const plan = await deployer.planner.plan(userId, request)
      const moved = choices.slots.filter((choice) => hasNewHost(choice, plan.slots))
      if (moved.length === 0) return { choices, plan, dropped }
      dropped.push(...moved.map(({ node }) => `${node} now sends its credential to a different host`))
      const slots = choices.slots.filter((choice) => !moved.includes(choice))
      choices = Object.assign({}, choices, { slots })
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid') throw error
      const fitting = without(
        choices,
        (error.errors ?? []).map(({ pointer }) => pointer),
      )
      if (!fitting) throw error
      dropped.push(...(error.errors ?? []).map(({ detail }) => detail))
      choices = fitting
    }
  }
}

const hasNewHost = ({ node, type, sentTo }: SlotChoice, slots: readonly PlannedSlot[]): boolean =>
  sentTo !== undefined &&
  slots.some((slot) => slot.node === node && slot.type === type && slot.sentTo !== sentTo)

/** Returns null if no pointer refers to a choice. */
function without(choices: Choices, pointers: string[]): Choices | null {
  const next = {
    ...choices,
    ...(pointers.includes('/workflowId') && { workflowId: null }),
    ...(pointers.includes('/instanceId') && { instanceId: null }),
    ...(pointers.includes('/version') && { version: null }),
    slots: choices.slots.filter((_, index) => !pointers.includes(`/bindings/${index}`)),
  }
  return JSON.stringify(next) === JSON.stringify(choices) ? null : next
}
