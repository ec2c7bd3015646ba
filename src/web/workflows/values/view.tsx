/** @module The page that turns on the storage of a workflow's values, and deletes them. */
import type { ValueStorage } from '../../../executions/values/contract.ts'
import type { Workflow } from '../../../workflows/contract.ts'
import { Card, Grid, Remark } from '../../components/card.tsx'
import { Action, Button, LinkButton } from '../../components/controls.tsx'
import { Form, TextField } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import type { TimeFormat } from '../../format.ts'
import { workflowHref } from '../links.ts'

export interface ValueFields {
  retentionDays: string
  maxBytes: string
}

interface ValuesProps {
  workflow: Pick<Workflow, 'id' | 'name'>
  /** Null when the values are not stored. */
  storage: ValueStorage | null
  /** As entered. */
  fields?: ValueFields
  errors: Partial<ValueFields>
  time: TimeFormat
}

export function ValuesView({ workflow, storage, fields, errors, time }: ValuesProps) {
  const { id, name } = workflow
  const { retentionDays = 7, maxBytes = 65_536 } = storage ?? {}
  return (
    <>
      <PageHead title="Stored values" meta={<span>{name}</span>} />
      <Grid>
        <Card
          title={storage ? 'Settings' : 'Store values'}
          note={storage ? `enabled since ${time.brief(storage.since)}` : 'disabled'}
          span={8}
        >
          <Form action={workflowHref(id, '/values')}>
            <p class="soft workflow-small">
              Stores what each node of a run receives and returns, for runs that are recorded from now on.
              Secrets are redacted, and the values are encrypted. They appear on the page of a run, in its
              diagnosis and in “Copy for your AI”.
            </p>
            <Remark tone="wait">
              Redaction finds secrets by name and format. It does not remove personal data.
            </Remark>
            <TextField
              name="retentionDays"
              label="Retention in days"
              required
              type="number"
              value={fields?.retentionDays ?? String(retentionDays)}
              error={errors.retentionDays}
              hint="1 to 30. After that, the values of a run are deleted."
            />
            <TextField
              name="maxBytes"
              label="Maximum size per run in bytes"
              required
              type="number"
              value={fields?.maxBytes ?? String(maxBytes)}
              error={errors.maxBytes}
              hint="4,096 to 65,536. Larger values are truncated."
            />
            <div class="actions">
              <Button kind="primary">{storage ? 'Save' : 'Store values'}</Button>
              <LinkButton href={workflowHref(id)}>Cancel</LinkButton>
            </div>
          </Form>
        </Card>
        {storage && (
          <Card title="Delete" span={4}>
            <p class="soft workflow-small">
              Deletes all stored values of this workflow and stops storing new ones. This cannot be undone.
            </p>
            <Action
              action={workflowHref(id, '/values/delete')}
              kind="danger"
              icon="trash"
              confirm="Delete all stored values of this workflow?"
            >
              Delete values
            </Action>
          </Card>
        )}
      </Grid>
    </>
  )
}
