/** @module The credential of each slot of a plan: its node, the host it is sent to, and why it was chosen. */
import type { Plan, PlannedBinding, PlannedSlot } from '../../../deployments/plan/contract.ts'
import { SelectField, TextField } from '../../components/form.tsx'
import { plural } from '../../format.ts'
import { isFilled, isOfSlot, slotProblem } from './blockers.ts'
import { newCredentialHref } from '../../links/setup.ts'
import { type Choices, planPath, slotField, slotValue } from './choices.ts'

/** Grouped by credential type. The form submits only slots that the user chose explicitly. */
export const SlotFields = ({ plan, choices }: { plan: Plan; choices: Choices }) => (
  <>
    {plan.bindings.map((binding) => (
      <div class="deploy-slots">
        <h3 class="deploy-subhead">{binding.displayName}</h3>
        {plan.slots
          .filter(({ type }) => type === binding.type)
          .map((slot) => (
            <SlotField slot={slot} binding={binding} plan={plan} choices={choices} />
          ))}
        <p class="hint">
          {binding.action && `${actionLabels[binding.action]}. `}
          <a class="link" href={newCredentialHref(binding.type, planPath(choices))}>
            Add credential
          </a>
        </p>
      </div>
    ))}
  </>
)

const actionLabels: Record<NonNullable<PlannedBinding['action']>, string> = {
  create: 'Created in n8n when you deploy',
  update: 'Updated in n8n when you deploy',
  unchanged: 'Already in n8n, unchanged',
  existing: 'Already in n8n, used unchanged',
}

const reasonLabels: Record<NonNullable<PlannedSlot['reason']>, string> = {
  chosen: 'your choice',
  instance: 'chosen for the instance',
  environment: 'chosen for the environment',
  earlier: 'from the previous deployment',
  live: 'from the workflow in n8n',
  name: 'named by the workflow',
  only: 'the only match',
}

interface SlotFieldProps {
  slot: PlannedSlot
  binding: PlannedBinding
  plan: Plan
  choices: Choices
}

function SlotField({ slot, binding, plan, choices }: SlotFieldProps) {
  const { node, type, candidates, credential, reason, sentTo } = slot
  const own = choices.slots.find((each) => each.node === node && each.type === type)
  const value = own ? slotValue(own.credential, sentTo) : ''
  const options: [string, string][] = [
    ...candidates.map(({ id, name, status }): [string, string] => [
      slotValue({ credentialId: id }, sentTo),
      status === 'invalid' ? `${name} (rejected)` : name,
    ]),
    ...(binding.n8nCandidates ?? []).map(({ id, name }): [string, string] => [
      slotValue({ n8nCredentialId: id }, sentTo),
      `${name} (in n8n)`,
    ]),
  ]
  // The credential is stored in n8n, which does not return its name.
  if (value !== '' && !options.some(([each]) => each === value)) {
    options.push([value, credential?.name ?? value])
  }
  const automatic =
    credential && reason && reason !== 'chosen' ? `${credential.name} (${reasonLabels[reason]})` : null
  const problem = plan.problems.find(
    (each) => each.level === 'error' && each.node === node && isOfSlot(each.code),
  )
  const unfilled = isFilled(slot) ? '' : slotProblem(slot, problem?.code)
  const named = slot.named?.name ? `“${slot.named.name}”` : null
  const hint = (
    <>
      {/* A hint, because a field error would take focus and scroll the plan out of view. */}
      {unfilled && <span class="deploy-unbound">{unfilled} </span>}
      {sentTo && (
        <>
          Sent to <b>{sentTo}</b>.{' '}
        </>
      )}
      {sentTo === null &&
        `Sent to a host determined at run time${slot.sentToExpression ? ` by ${slot.sentToExpression}` : ''}. `}
      {named && !unfilled.includes(named) && `The workflow names ${named}.`}
    </>
  )
  const field = { name: slotField({ node, type }), label: node, value, hint }
  return (
    <div class={problem ? 'wrong' : ''}>
      {options.length === 0 ? (
        slot.status === 'needs-consent' || binding.n8nCandidates !== null ? (
          <TextField {...field} mono placeholder="n8n credential ID" />
        ) : (
          <div class="deploy-missing">
            <p class="strong">{node}</p>
            <p class="hint">{hint}</p>
          </div>
        )
      ) : (
        <SelectField
          {...field}
          submits
          options={[
            [
              '',
              automatic ??
                (value === '' ? `Choose from ${plural(options.length, 'credential')}` : 'Clear choice'),
            ],
            ...options,
          ]}
        />
      )}
    </div>
  )
}
