/** @module The account of the signed-in user: password, sessions, export, deletion. */
import type { User } from '../../users/contract.ts'
import { Card, Grid, KeyValues } from '../components/card.tsx'
import { Action, Button, LinkButton } from '../components/controls.tsx'
import { CheckField, Form, FormError, TextField } from '../components/form.tsx'
import { Time } from '../components/table.tsx'
import type { TimeFormat } from '../format.ts'
import { PageHead } from '../layout/page.tsx'

export const passwordFields = ['currentPassword', 'newPassword'] as const
export const deletionFields = ['confirm', 'password'] as const

export type AccountErrors = Partial<
  Record<(typeof passwordFields)[number] | (typeof deletionFields)[number] | 'change' | 'delete', string>
>

export interface AccountProps {
  user: User
  /** `change` and `delete` are errors of a whole form. */
  errors: AccountErrors
  /** The email address typed to confirm the deletion. */
  typed: string
  publicUrl: string
  time: TimeFormat
}

export const AccountView = ({ user, errors, typed, publicUrl, time }: AccountProps) => (
  <>
    <PageHead title="Account" />
    <Grid>
      <div class="stack span-6">
        <Card title="Profile">
          <KeyValues
            items={[
              user.name === null ? null : ['Name', user.name],
              ['Email', user.email],
              ['Created', <Time at={user.createdAt} format={time} />],
            ]}
          />
        </Card>
        <Card title="Password">
          <Form action="/account/password" page="/account">
            <TextField
              name="currentPassword"
              label="Current password"
              type="password"
              autocomplete="current-password"
              required
              error={errors.currentPassword}
            />
            <TextField
              name="newPassword"
              label="New password"
              type="password"
              autocomplete="new-password"
              required
              error={errors.newPassword}
              hint="At least 8 characters. Changing it signs you out everywhere else."
            />
            <CheckField name="revokeTokens" label="Revoke all access tokens" />
            <FormError>{errors.change}</FormError>
            <div class="actions">
              <Button kind="primary">Change password</Button>
            </div>
          </Form>
        </Card>
      </div>
      <div class="stack span-6">
        <Card title="Sessions">
          <p class="soft">
            Ends every session of this account, in all browsers and API clients, including this one.
          </p>
          <Action action="/account/sign-out-everywhere" icon="signOut">
            Sign out everywhere
          </Action>
        </Card>
        <Card title="Access tokens">
          <p class="soft">
            Let programs and AI agents use the API with the scopes that you choose, without your password.
          </p>
          <LinkButton href="/account/tokens">Manage access tokens</LinkButton>
        </Card>
        <Card title="Export">
          <p class="soft">
            Exports every workflow with all its versions, deployments and runs to a folder, without secrets.
          </p>
          <p>
            <code>FLOWKEEP_URL={publicUrl} npm run flowkeep -- export ./backup</code>
          </p>
          <LinkButton href="/audit/export.csv" icon="download">
            Download audit trail
          </LinkButton>
        </Card>
        <Card title="Delete account">
          <Form action="/account/delete" page="/account">
            <p class="soft">
              Deletes your workflows, credentials, instances and runs. Copies in n8n are not deleted and keep
              running. This cannot be undone.
            </p>
            <TextField
              name="confirm"
              label={`Type ${user.email} to confirm`}
              value={typed}
              required
              error={errors.confirm}
            />
            <TextField
              name="password"
              label="Password"
              type="password"
              autocomplete="current-password"
              required
              error={errors.password}
            />
            <FormError>{errors.delete}</FormError>
            <div class="actions">
              <Button kind="danger" icon="trash">
                Delete account
              </Button>
            </div>
          </Form>
        </Card>
      </div>
    </Grid>
  </>
)
