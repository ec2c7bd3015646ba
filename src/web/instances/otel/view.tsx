/** @module Confirms that another OpenTelemetry collector is replaced. */
import type { Instance } from '../../../instances/contract.ts'
import { Card, Grid } from '../../components/card.tsx'
import { Button, LinkButton } from '../../components/controls.tsx'
import { Form, Hidden } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'

export const ReplacePage = ({ instance, collector }: { instance: Instance; collector: string }) => (
  <>
    <PageHead title="Replace the collector?" />
    <Grid>
      <Card span={8} label="Effects">
        <div class="form">
          <p>
            <b>
              {instance.name} sends its traces to {collector}.
            </b>{' '}
            n8n supports only one collector, so {collector} receives no traces while n8n sends them to
            Flowkeep.
          </p>
          <p class="soft">
            “Stop OpenTelemetry” restores {collector}. n8n does not return the values of headers, so you will
            have to enter them again in n8n.
          </p>
          <Form action={`/instances/${instance.id}/otel`}>
            <Hidden name="replace" value="true" />
            <div class="actions">
              <Button kind="primary">Replace {collector}</Button>
              <LinkButton href={`/instances/${instance.id}`}>Cancel</LinkButton>
            </div>
          </Form>
        </div>
      </Card>
    </Grid>
  </>
)
