/** @module The form of a channel, and its signing secret, which is shown once. */
import { Card, CodeBox, Grid, Remark } from '../../components/card.tsx'
import { Button, CopyButton, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, SelectField, TextField } from '../../components/form.tsx'
import type { FormState } from '../../form-data.ts'
import { PageHead } from '../../layout/page.tsx'
import { channelKinds } from '../page-context.ts'

export const NewChannelPage = ({
  values,
  errors,
  canSendMail,
  email,
}: FormState & { canSendMail: boolean; email: string }) => (
  <>
    <PageHead title="Add channel" />
    <Grid>
      <Card span={6} label="Channel">
        <Form action="/alerts/channels" page="/alerts/channels/new">
          <SelectField
            name="kind"
            label="Kind"
            value={values.kind ?? 'slack'}
            error={errors.kind}
            options={[
              ['slack', channelKinds.slack],
              ['webhook', channelKinds.webhook],
              ...(canSendMail ? [['email', `Email to ${email}`] as const] : []),
            ]}
            {...(!canSendMail && { hint: 'This server is not configured to send email.' })}
          />
          <TextField
            name="name"
            label="Name"
            value={values.name ?? ''}
            error={errors.name}
            required
            maxlength={128}
          />
          <TextField
            name="url"
            label="URL"
            type="password"
            autocomplete="off"
            error={errors.url}
            hint={`The URL of the incoming webhook. It is encrypted and never shown again.${canSendMail ? ' Leave it empty for email.' : ''}`}
          />
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Add channel</Button>
            <LinkButton href="/alerts">Cancel</LinkButton>
          </div>
        </Form>
      </Card>
    </Grid>
  </>
)

/** The only page that shows the secret. */
export const SecretPage = ({ secret }: { secret: string }) => (
  <>
    <PageHead title="Signing secret" />
    <Grid>
      <Card span={8} title="Copy it now" note="shown only once">
        <div class="form">
          <div class="inst-token">
            <CodeBox id="secret">{secret}</CodeBox>
            <CopyButton from="#secret" small={false}>
              Copy secret
            </CopyButton>
          </div>
          <Remark>
            Use it to verify message signatures (Standard Webhooks). A previous secret stays valid for 24
            hours.
          </Remark>
          <div class="actions">
            <LinkButton href="/alerts" kind="primary">
              Done
            </LinkButton>
          </div>
        </div>
      </Card>
    </Grid>
  </>
)
