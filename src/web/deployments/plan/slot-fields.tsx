/** @module The credential of each slot of a plan: which node it is for, where it goes, and why it is this one. */
import type { Plan, PlannedBinding, PlannedSlot } from '../../../deployments/plan-contract.ts'
import { SelectField, TextField } from '../../components/form.tsx'
import { plural } from '../../format.ts'
import { isFilled, isOfSlot, slotProblem } from './effects.ts'
import { type Choices, slotField, slotValue } from './choices.ts'

/** Grouped by credential type; a choice is sent only for a slot that somebody has chosen for. */
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
          <a class="link" href={`/credentials/new/${encodeURIComponent(binding.type)}`}>
            New credential
          </a>
        </p>
      </div>
    ))}
  </>
)

const actionLabels: Record<NonNullable<PlannedBinding['action']>, string> = {
  create: 'Sent to n8n: it is not there yet',
  update: 'Sent to n8n again: it has changed here',
  unchanged: 'In n8n already, unchanged',
  existing: 'In n8n already, used as it is',
}

const reasonLabels: Record<NonNullable<PlannedSlot['reason']>, string> = {
  chosen: 'you chose it',
  earlier: 'as deployed before',
  live: 'as in n8n now',
  name: 'named by the workflow',
  only: 'your only one',
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
  // n8n has it, and cannot be asked for its name.
  if (value !== '' && !options.some(([each]) => each === value)) {
    options.push([value, credential?.name ?? value])
  }
  const byItself =
    credential && reason && reason !== 'chosen' ? `${credential.name} (${reasonLabels[reason]})` : null
  const problem = plan.problems.find(
    (each) => each.level === 'error' && each.node === node && isOfSlot(each.code),
  )
  const hint = (
    <>
      {/* Said in the hint: an error would take the focus, and scroll the plan away. */}
      {!isFilled(slot) && <span class="deploy-unbound">{slotProblem(slot, problem?.code)} </span>}
      {sentTo && (
        <>
          Sent to <b>{sentTo}</b>.{' '}
        </>
      )}
      {sentTo === null &&
        `Sent to a host that is decided at run time${slot.sentToExpression ? ` by ${slot.sentToExpression}` : ''}. `}
      {slot.named?.name && `The workflow names “${slot.named.name}”.`}
    </>
  )
  const field = { name: slotField({ node, type }), label: node, value, hint }
  return (
    <div class={problem ? 'wrong' : ''}>
      {options.length === 0 ? (
        slot.status === 'needs-consent' || binding.n8nCandidates !== null ? (
          <TextField {...field} mono placeholder="The id of a credential in n8n" />
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
              byItself ??
                (value === '' ? `Choose of ${plural(options.length, 'credential')}` : 'Do not choose'),
            ],
            ...options,
          ]}
        />
      )}
    </div>
  )
}
