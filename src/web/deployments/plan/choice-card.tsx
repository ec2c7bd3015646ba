/** @module The plan form. It uses GET, so the URL holds every choice. */
import type { Plan } from '../../../deployments/plan/contract.ts'
import { Card } from '../../components/card.tsx'
import { Button } from '../../components/controls.tsx'
import { Form, SelectField } from '../../components/form.tsx'
import { cutNote, type TimeFormat } from '../../format.ts'
import type { Choices } from './choices.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import type { Named } from '../../../deployments/list-queries.ts'
import { SlotFields } from './slot-fields.tsx'

export interface VersionChoice {
  version: number
  prompt: string | null
  createdAt: string
}

export interface ChoiceCardProps {
  choices: Choices
  workflows: CutList<Named>
  instances: CutList<Named>
  /** Versions of the chosen workflow, newest first. */
  versions: CutList<VersionChoice>
  plan: Plan | null
  time: TimeFormat
}

const named = ({ items }: CutList<Named>, none: string) =>
  [['', none], ...items.map(({ id, name }) => [id, name] as const)] as const

export function ChoiceCard({ choices, workflows, instances, versions, plan, time }: ChoiceCardProps) {
  const { workflowId, instanceId, version, publish, reportSuccess } = choices
  const live = plan?.live?.version
  return (
    <Card title="Options" id="choices">
      <Form action="/deployments/new" method="get">
        <SelectField
          name="workflow"
          label="Workflow"
          value={workflowId ?? ''}
          options={named(workflows, 'Choose a workflow')}
          submits
          required
          hint={workflows.isCut && `${cutNote(workflows)}. Plan any other workflow from its page.`}
        />
        <SelectField
          name="instance"
          label="Instance"
          value={instanceId ?? ''}
          options={named(instances, 'Choose an instance')}
          hint={cutNote(instances)}
          submits
          required
        />
        {versions.items.length > 0 && (
          <SelectField
            name="version"
            label="Version"
            value={version === null ? '' : String(version)}
            submits
            hint={cutNote(versions)}
            options={[
              ['', `Current: v${versions.items[0]?.version}`],
              ...versions.items.map(
                (each) => [String(each.version), versionLabel(each, live, time)] as const,
              ),
            ]}
          />
        )}
        {plan && <SlotFields plan={plan} choices={choices} />}
        {plan && (
          <>
            <SelectField
              name="publish"
              label="After deploying"
              value={publish ? '' : 'no'}
              submits
              options={[
                ['', 'Publish and start its triggers'],
                ['no', 'Leave unpublished'],
              ]}
            />
            <SelectField
              name="report"
              label="Successful runs"
              value={reportSuccess ? 'yes' : ''}
              submits
              options={[
                ['', 'Fetched every 5 minutes'],
                ['yes', 'Reported immediately'],
              ]}
              hint={
                reportSuccess
                  ? 'Adds a final node that reports each success, unless it could affect the workflow.'
                  : 'Failures are always reported immediately.'
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
  const excerpt =
    prompt === null ? 'edited manually' : prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt
  return `v${version}${version === live ? ' (deployed)' : ''} · ${time.inSentence(createdAt)} · ${excerpt}`
}
