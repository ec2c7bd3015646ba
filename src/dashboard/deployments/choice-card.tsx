/** @module The fields of a plan: a GET form, so that what is chosen stands in the URL. */
import type { Child } from 'hono/jsx'
import type { Plan, PlannedBinding } from '../../deployments/plan-contract.ts'
import { Card } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { Form, SelectField, TextField } from '../components/form.tsx'
import { plural, type TimeFormat } from '../format.ts'
import { bindingField, bindingValue, type Choices } from './choices.ts'
import { choiceLimit, type Named } from './read-board.ts'

export interface VersionChoice {
  version: number
  prompt: string | null
  createdAt: string
}

export interface ChoiceCardProps {
  choices: Choices
  workflows: Named[]
  instances: Named[]
  /** Of the chosen workflow, newest first. */
  versions: VersionChoice[]
  plan: Plan | null
  time: TimeFormat
}

const named = (list: Named[], none: string) =>
  [['', none], ...list.map(({ id, name }) => [id, name] as const)] as const

export function ChoiceCard({ choices, workflows, instances, versions, plan, time }: ChoiceCardProps) {
  const { workflowId, instanceId, version, publish, reportSuccess } = choices
  const live = plan?.live?.version
  return (
    <Card title="What and where" id="choices">
      <Form action="/deployments/new" method="get">
        <SelectField
          name="workflow"
          label="Workflow"
          value={workflowId ?? ''}
          options={named(workflows, 'Choose a workflow')}
          submits
          required
          {...(workflows.length >= choiceLimit && {
            hint: `The first ${choiceLimit} by name; plan another one from its own page.`,
          })}
        />
        <SelectField
          name="instance"
          label="n8n server"
          value={instanceId ?? ''}
          options={named(instances, 'Choose a server')}
          submits
          required
        />
        {versions.length > 0 && (
          <SelectField
            name="version"
            label="Version"
            value={version === null ? '' : String(version)}
            submits
            options={[
              ['', `Current: v${versions[0]?.version}`],
              ...versions.map((each) => [String(each.version), versionLabel(each, live, time)] as const),
            ]}
          />
        )}
        {plan?.bindings.map((binding) => (
          <BindingField binding={binding} choices={choices} />
        ))}
        {plan && (
          <>
            <SelectField
              name="publish"
              label="When it is there"
              value={publish ? '' : 'no'}
              submits
              options={[
                ['', 'Publish it: its triggers start'],
                ['no', 'Leave it unpublished'],
              ]}
            />
            <SelectField
              name="report"
              label="Successful runs"
              value={reportSuccess ? 'yes' : ''}
              submits
              options={[
                ['', 'Fetched every 5 minutes'],
                ['yes', 'Reported at once'],
              ]}
              hint={
                reportSuccess
                  ? 'Adds a node at the end that reports each success, where that changes nothing else.'
                  : 'Failures are reported at once in any case.'
              }
            />
          </>
        )}
        <div class="actions">
          <Button {...(!plan?.ready && { kind: 'primary' })}>{plan ? 'Plan again' : 'Plan'}</Button>
        </div>
      </Form>
    </Card>
  )
}

function versionLabel(
  { version, prompt, createdAt }: VersionChoice,
  live: number | undefined,
  time: TimeFormat,
) {
  const excerpt = prompt === null ? 'edited by hand' : prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt
  return `v${version}${version === live ? ' (there now)' : ''} · ${time.instant(createdAt)} · ${excerpt}`
}

const actionWords: Record<NonNullable<PlannedBinding['action']>, string> = {
  create: 'Sent to n8n: it is not there yet',
  update: 'Sent to n8n again: it has changed here',
  unchanged: 'In n8n already, unchanged',
  existing: 'In n8n already, used as it is',
}

/** One type's credential: of ours, or one that is in n8n. */
function BindingField({ binding, choices }: { binding: PlannedBinding; choices: Choices }) {
  const { type, displayName, nodes, status, candidates, n8nCandidates, action } = binding
  const name = bindingField(type)
  const chosen = choices.bindings[type]
  const value = chosen === undefined ? boundValue(binding) : bindingValue(chosen)
  const usedBy =
    nodes.length > 0
      ? `Used by ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ` and ${nodes.length - 3} more` : ''}.`
      : ''
  const hint = `${action ? `${actionWords[action]}. ` : ''}${usedBy}`
  const create = (
    <a class="link" href={`/credentials/new/${encodeURIComponent(type)}`}>
      New credential
    </a>
  )
  const options: (readonly [string, string])[] = [
    ...candidates.map(
      ({ id, name, status }) => [id, status === 'invalid' ? `${name} (rejected)` : name] as const,
    ),
    ...(n8nCandidates ?? []).map(({ id, name }) => [`n8n:${id}`, `${name} (in n8n)`] as const),
  ]
  const unbound = unboundWords(binding)
  // Said in the hint: an error would take the focus, and scroll the plan away.
  const reason = unbound && <span class="deploy-unbound">{unbound} </span>
  // n8n has it, and cannot be asked for its name.
  if (value.startsWith('n8n:') && !options.some(([each]) => each === value)) {
    options.push([value, `${value.slice('n8n:'.length)} (in n8n)`])
  }
  if (options.length === 0) {
    const isOauth = status === 'needs-n8n'
    return (
      <div class={unbound ? 'wrong' : ''}>
        {isOauth ? (
          <TextField
            name={name}
            label={displayName}
            value={value}
            mono
            placeholder="aB3dE5fG7hJ9"
            hint={
              <>
                {reason}
                Sign in with {displayName} inside n8n, then enter the id that the credential has there.{' '}
                {usedBy}
              </>
            }
          />
        ) : (
          <Missing label={displayName} error={unbound} hint={usedBy} create={create} />
        )}
      </div>
    )
  }
  return (
    <div class={unbound ? 'wrong' : ''}>
      <SelectField
        name={name}
        label={displayName}
        value={value}
        submits
        options={
          value === '' ? [['', `Choose of ${plural(options.length, 'credential')}`], ...options] : options
        }
        hint={
          <>
            {reason}
            {hint} {create}
          </>
        }
      />
    </div>
  )
}

const Missing = ({
  label,
  error,
  hint,
  create,
}: {
  label: string
  error: string | undefined
  hint: string
  create: Child
}) => (
  <div class="deploy-missing">
    <p class="strong">{label}</p>
    <p class="fail">{error}</p>
    <p class="hint">
      {hint} {create}
    </p>
  </div>
)

const boundValue = ({ status, credentialId, n8nCredentialId, action }: PlannedBinding): string => {
  if (status !== 'bound') return ''
  if (action === 'existing') return `n8n:${n8nCredentialId}`
  return credentialId ?? ''
}

function unboundWords({ status, candidates, displayName }: PlannedBinding): string | undefined {
  if (status === 'ambiguous') return `There are ${candidates.length}: choose one.`
  if (status === 'missing') return `There is no credential for ${displayName}.`
  if (status === 'needs-n8n') return `${displayName} takes consent inside n8n: choose one that is there.`
  return undefined
}
