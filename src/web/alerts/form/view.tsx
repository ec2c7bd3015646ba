/** @module Forms of a rule: the choice of its kind, and its scope, parameters and channels. */
import { type AlertChannel, type AlertRule, ruleKinds, type Scope } from '../../../alerts/contract.ts'
import type { ScopeChoice } from '../../../alerts/queries.ts'
import { ruleSentence } from '../../../alerts/sentence.ts'
import { type AlertParameters, type AlertRuleKind, alertRuleKinds } from '../../../db/schema/alerts.ts'
import { Card, Grid } from '../../components/card.tsx'
import { Action, Button, LinkButton } from '../../components/controls.tsx'
import {
  CheckField,
  Fieldset,
  Form,
  FormError,
  Hidden,
  SelectField,
  TextField,
} from '../../components/form.tsx'
import { NameCell, Table, Td, Tr } from '../../components/table.tsx'
import { PageHead } from '../../layout/page.tsx'
import type { FormState } from '../../form-data.ts'
import { channelKinds } from '../page-context.ts'

const titles: Record<AlertRuleKind, string> = {
  'error-rate': 'Error rate',
  'new-error': 'New error',
  'missed-schedule': 'Missed schedule',
  'credential-rejected': 'Rejected credential',
  'instance-unreachable': 'Unreachable instance',
  drift: 'Drift',
  spend: 'Spend on models',
}

const nothing = { workflowName: null, instanceName: null, credentialName: null }

/** @param workflow the workflow that the rule is for, if any */
export const KindPage = ({ workflow }: { workflow: string | null }) => (
  <>
    <PageHead title="Add alert rule" />
    <Card title="Alert me about" flush>
      <Table caption="Kinds of rules" columns={[{ label: 'Kind' }]}>
        {alertRuleKinds
          .filter((kind) => workflow === null || ruleKinds[kind].scopes.includes('workflowId'))
          .map((kind) => (
            <Tr>
              <Td>
                <NameCell
                  href={`/alerts/new?kind=${kind}${workflow === null ? '' : `&workflow=${workflow}`}`}
                  name={titles[kind]}
                  note={ruleSentence({ kind, parameters: {}, ...nothing })}
                />
              </Td>
            </Tr>
          ))}
      </Table>
    </Card>
  </>
)

const scopeLabels: Record<Scope, [label: string, any: string]> = {
  workflowId: ['Workflow', 'Any workflow'],
  instanceId: ['Instance', 'Any instance'],
  credentialId: ['Credential', 'Any credential'],
}

const parameterFields: Record<
  keyof AlertParameters,
  { label: string; min: number; max: number; step?: 'any'; inputmode?: 'decimal'; hint?: string }
> = {
  percent: { label: 'Failed runs above (%)', min: 0, max: 99 },
  windowMinutes: { label: 'Within (minutes)', min: 10, max: 1440 },
  minRuns: {
    label: 'Minimum finished runs',
    min: 1,
    max: 1000,
    hint: 'With fewer runs in this time, the rule does not fire.',
  },
  toleranceMinutes: { label: 'Late by more than (minutes)', min: 5, max: 1440 },
  usd: {
    label: 'Cost above (US dollars)',
    min: 0,
    max: 1_000_000,
    step: 'any',
    inputmode: 'decimal',
    hint: '0: no limit',
  },
  tokens: { label: 'Tokens above', min: 0, max: 1_000_000_000_000, hint: '0: no limit' },
  windowHours: { label: 'Within (hours)', min: 1, max: 720 },
}

export const formFields = [...Object.keys(scopeLabels), ...Object.keys(parameterFields), 'channelIds']

interface RuleFieldsProps extends FormState {
  kind: AlertRuleKind
  channels: AlertChannel[]
  channelIds: string[]
}

function RuleFields({ kind, channels, channelIds, values, errors }: RuleFieldsProps) {
  const names = Object.keys(ruleKinds[kind].defaults) as (keyof AlertParameters)[]
  return (
    <>
      {names.map((name) => (
        <TextField
          name={name}
          type="number"
          inputmode="numeric"
          required
          value={values[name] ?? String(ruleKinds[kind].defaults[name])}
          error={errors[name]}
          {...parameterFields[name]}
        />
      ))}
      <Fieldset legend="Send to">
        {channels.map(({ id, name, kind: of, host }) => (
          <CheckField
            name="channelIds"
            value={id}
            label={name}
            note={[channelKinds[of], host].filter(Boolean).join(', ')}
            checked={channelIds.includes(id)}
          />
        ))}
        {channels.length === 0 && (
          <p class="muted">
            No channels yet. Without one, the rule only records incidents.{' '}
            <a class="link" href="/alerts/channels/new">
              Add a channel
            </a>
          </p>
        )}
      </Fieldset>
      <FormError>{errors[''] ?? errors.channelIds}</FormError>
    </>
  )
}

export const NewRulePage = ({ choices, ...fields }: RuleFieldsProps & { choices: ScopeChoice[] }) => (
  <>
    <PageHead title={`Add alert rule: ${titles[fields.kind].toLowerCase()}`} />
    <Grid>
      <Card span={6} label="Rule">
        <Form action="/alerts" page={`/alerts/new?kind=${fields.kind}`}>
          <Hidden name="kind" value={fields.kind} />
          {ruleKinds[fields.kind].scopes.map((scope) => (
            <SelectField
              name={scope}
              label={scopeLabels[scope][0]}
              value={fields.values[scope] ?? ''}
              error={fields.errors[scope]}
              options={[
                ['', scopeLabels[scope][1]],
                ...choices
                  .filter((choice) => choice.scope === scope)
                  .map(({ id, name }) => [id, name] as const),
              ]}
            />
          ))}
          <RuleFields {...fields} />
          <div class="actions">
            <Button kind="primary">Add rule</Button>
            <LinkButton href="/alerts">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
    </Grid>
  </>
)

export const EditRulePage = ({ rule, ...fields }: RuleFieldsProps & { rule: AlertRule }) => (
  <>
    <PageHead title={rule.sentence} />
    <Grid>
      <Card span={6} label="Rule">
        <Form action={`/alerts/${rule.id}`}>
          <Hidden name="expected" value={rule.version} />
          <RuleFields {...fields} />
          <CheckField name="enabled" label="Enable this rule" checked={rule.enabled} />
          <div class="actions">
            <Button kind="primary">Save</Button>
            <LinkButton href="/alerts">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
      <Card span={6} title="Delete rule">
        <div class="form">
          <p class="soft">Also deletes its incidents and messages. This cannot be undone.</p>
          <Action action={`/alerts/${rule.id}/delete`} kind="danger" icon="trash" confirm="Delete this rule?">
            Delete
          </Action>
        </div>
      </Card>
    </Grid>
  </>
)
