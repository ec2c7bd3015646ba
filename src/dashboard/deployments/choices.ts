/** @module What a plan is made of, in a URL and in the fields of a form: read leniently, written one way. */
import type { Binding } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import { Binding as BindingShape, NewDeployment } from '../../deployments/contract.ts'
import type { Deployer } from '../../deployments/deployer.ts'
import type { Plan } from '../../deployments/plan-contract.ts'

export interface Choices {
  workflowId: string | null
  instanceId: string | null
  /** Null: the current one. */
  version: number | null
  publish: boolean
  reportSuccess: boolean
  /** Credential type → one of ours, or one that is in n8n. */
  bindings: Record<string, Binding>
}

const { workflowId: Id, version: Version } = NewDeployment.shape
const maximumBindings = 200
const bindingPrefix = 'credential.'
const n8nPrefix = 'n8n:'

/** What cannot be read is left out. */
export function readChoices(params: URLSearchParams): Choices {
  const idOf = (name: string) => Id.safeParse(params.get(name)).data ?? null
  const bindings = [...params].slice(0, maximumBindings).flatMap(([name, text]): [string, Binding][] => {
    const type = name.startsWith(bindingPrefix) ? name.slice(bindingPrefix.length) : ''
    const value = text.trim().replace(n8nPrefix, '')
    // An id of ours is a UUID, and of n8n's is none.
    const isOurs = !text.includes(n8nPrefix) && Id.safeParse(value).success
    const read = BindingShape.safeParse(isOurs ? value : { n8nCredentialId: value })
    return /^[A-Za-z][\w.-]{0,127}$/.test(type) && read.success ? [[type, read.data]] : []
  })
  return {
    workflowId: idOf('workflow'),
    instanceId: idOf('instance'),
    version: Version.safeParse(Number(params.get('version') || Number.NaN)).data ?? null,
    publish: params.get('publish') !== 'no',
    reportSuccess: params.get('report') === 'yes',
    bindings: Object.fromEntries(bindings),
  }
}

export const bindingField = (type: string): string => `${bindingPrefix}${type}`

export const bindingValue = (binding: Binding): string =>
  typeof binding === 'string' ? binding : `${n8nPrefix}${binding.n8nCredentialId}`

/** What `readChoices` reads the same again. */
export function choiceFields(choices: Choices): Record<string, string> {
  const { workflowId, instanceId, version, publish, reportSuccess, bindings } = choices
  return {
    ...(workflowId && { workflow: workflowId }),
    ...(instanceId && { instance: instanceId }),
    ...(version !== null && { version: String(version) }),
    ...(!publish && { publish: 'no' }),
    ...(reportSuccess && { report: 'yes' }),
    ...Object.fromEntries(
      Object.entries(bindings).map(([type, binding]) => [bindingField(type), bindingValue(binding)]),
    ),
  }
}

export const planPath = (choices: Partial<Choices>): string => {
  const fields = choiceFields({
    ...{
      workflowId: null,
      instanceId: null,
      version: null,
      publish: true,
      reportSuccess: false,
      bindings: {},
    },
    ...choices,
  })
  return `/deployments/new?${new URLSearchParams(fields)}`
}

export interface Planned {
  /** As they were planned: without what did not fit. */
  choices: Choices
  plan: Plan | null
  /** What did not fit, in words. */
  dropped: string[]
}

/**
 * Plans what is chosen. A version or credential that does not fit another workflow any more is left out, and said.
 * @throws {AppError} `instance-*` and whatever else a plan fails with
 */
export async function planOf(
  deployer: Pick<Deployer, 'planner'>,
  userId: string,
  chosen: Choices,
): Promise<Planned> {
  let choices = chosen
  const dropped: string[] = []
  for (;;) {
    const { workflowId, instanceId, version, publish, bindings } = choices
    if (workflowId === null || instanceId === null) return { choices, plan: null, dropped }
    try {
      const request = { workflowId, instanceId, bindings, publish, ...(version !== null && { version }) }
      return { choices, plan: await deployer.planner.plan(userId, request), dropped }
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

/** Null when none of the pointers names a choice. */
function without(choices: Choices, pointers: string[]): Choices | null {
  const types = new Set(
    pointers.flatMap((pointer) =>
      pointer.startsWith('/bindings/')
        ? [pointer.slice('/bindings/'.length).replaceAll('~1', '/').replaceAll('~0', '~')]
        : [],
    ),
  )
  const next = {
    ...choices,
    ...(pointers.includes('/workflowId') && { workflowId: null }),
    ...(pointers.includes('/instanceId') && { instanceId: null }),
    ...(pointers.includes('/version') && { version: null }),
    bindings: Object.fromEntries(Object.entries(choices.bindings).filter(([type]) => !types.has(type))),
  }
  return JSON.stringify(next) === JSON.stringify(choices) ? null : next
}
