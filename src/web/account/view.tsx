/** @module The account of the signed-in user: profile, password, sessions, sign-ins, export, deletion. */
import type { Session, User } from '../../users/contract.ts'
import { Card, Grid, KeyValues } from '../components/card.tsx'
import { Action, Button, LinkButton } from '../components/controls.tsx'
import { CheckField, Form, FormError, TextField } from '../components/form.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import type { TimeFormat } from '../format.ts'
import { PageHead } from '../layout/page.tsx'
import type { SignInEntry } from '../../users/sign-in-history.ts'
import { Status } from '../components/status.tsx'

export const profileFields = ['name', 'email', 'emailPassword'] as const
export const passwordFields = ['currentPassword', 'newPassword'] as const
export const deletionFields = ['confirm', 'password'] as const

/** The forms of the page. An error under its name concerns the whole form. */
export type AccountForm = 'profile' | 'change' | 'delete'

export type AccountErrors = Partial<
  Record<
    | (typeof profileFields)[number]
    | (typeof passwordFields)[number]
    | (typeof deletionFields)[number]
    | AccountForm,
    string
  >
>

export interface AccountProps {
  user: User
  errors: AccountErrors
  /** What was typed into a form with errors, except passwords. */
  typed: Partial<Record<'name' | 'email' | 'confirm', string>>
  canSend: boolean
  sessions: readonly Session[]
  signIns: readonly SignInEntry[]
  publicUrl: string
  time: TimeFormat
}

export const AccountView = (props: AccountProps) => (
  <>
    <PageHead title="Account" />
    <Grid>
      <div class="stack span-6">
        <ProfileCard {...props} />
        <PasswordCard {...props} />
        <Card title="Sign-in security">
          <p class="soft">Require a second factor, or sign in with a passkey instead of the password.</p>
          <LinkButton href="/account/security">Manage second factors</LinkButton>
        </Card>
        <Card title="Access tokens">
          <p class="soft">
            Let programs and AI agents use the API with the scopes that you choose, without your password.
          </p>
          <LinkButton href="/account/tokens">Manage access tokens</LinkButton>
        </Card>
        <Card title="Usage">
          <p class="soft">How much of each quota the account uses.</p>
          <LinkButton href="/account/usage">Show usage</LinkButton>
        </Card>
        <ExportCard {...props} />
        <DeletionCard {...props} />
      </div>
      <div class="stack span-6">
        <SessionsCard {...props} />
        <SignInsCard {...props} />
      </div>
    </Grid>
  </>
)

const ProfileCard = ({ user, errors, typed, canSend, time }: AccountProps) => (
  <Card title="Profile">
    <KeyValues
      items={[
        [
          'Email',
          <>
            {user.email}{' '}
            <Status
              {...(user.emailVerified
                ? { tone: 'ok', label: 'Confirmed' }
                : { tone: 'wait', label: 'Not confirmed' })}
            />
          </>,
        ],
        user.pendingEmail === null ? null : ['New email', `${user.pendingEmail}: open the link in the email`],
        ['Created', <Time at={user.createdAt} format={time} />],
      ]}
    />
    {canSend && !user.emailVerified && (
      <Action action="/account/verify-email">Send a link that confirms the address</Action>
    )}
    <Form action="/account/profile" page="/account">
      <TextField
        name="name"
        label="Name"
        autocomplete="name"
        required={false}
        maxlength={200}
        value={typed.name ?? user.name ?? ''}
        error={errors.name}
      />
      <TextField
        name="email"
        label="Email"
        type="email"
        autocomplete="email"
        required
        value={typed.email ?? user.email}
        error={errors.email}
        hint={
          canSend
            ? 'A new address takes effect when you open the link sent to it.'
            : 'This server cannot send email, so a new address takes effect immediately.'
        }
      />
      <TextField
        name="emailPassword"
        label="Current password"
        type="password"
        autocomplete="current-password"
        required={false}
        error={errors.emailPassword}
        hint="Only for a new email address."
      />
      <FormError>{errors.profile}</FormError>
      <div class="actions">
        <Button>Save profile</Button>
      </div>
    </Form>
  </Card>
)

const PasswordCard = ({ errors }: AccountProps) => (
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
)

const placeOf = ({ clientAddress }: { clientAddress: string | null }) => clientAddress ?? 'Unknown address'

const SessionsCard = ({ sessions, time }: AccountProps) => (
  <Card
    title="Sessions"
    flush
    foot={
      <>
        {sessions.length > 1 && <Action action="/account/sessions/end-others">End all other sessions</Action>}
        <Action action="/account/sign-out-everywhere" icon="signOut">
          Sign out everywhere
        </Action>
      </>
    }
  >
    <Table
      caption="Sessions, newest first"
      columns={[{ label: 'Device' }, { label: 'Last seen', numeric: true }, { label: 'End', hidden: true }]}
    >
      {sessions.map((session) => (
        <Tr>
          <Td>
            <NameCell name={session.device ?? 'Unknown device'} note={placeOf(session)} />
          </Td>
          <Td numeric>
            <Time at={session.lastSeenAt} format={time} as="relative" />
          </Td>
          <Td phone="end">
            {session.current ? (
              <Status tone="ok" label="This session" />
            ) : (
              <Action action={`/account/sessions/${session.id}/end`} small>
                End
                <span class="visually-hidden"> the session of {session.device ?? 'an unknown device'}</span>
              </Action>
            )}
          </Td>
        </Tr>
      ))}
    </Table>
  </Card>
)

const SignInsCard = ({ signIns, time }: AccountProps) => (
  <Card
    title="Sign-ins"
    flush
    aside={
      <a class="link" href="/audit">
        Audit trail
      </a>
    }
  >
    <Table
      caption="Latest sign-ins, newest first"
      columns={[{ label: 'Device' }, { label: 'Result' }, { label: 'Time', numeric: true }]}
    >
      {signIns.map((entry) => (
        <Tr>
          <Td>
            <NameCell name={entry.device ?? 'Unknown device'} note={`${placeOf(entry)} · ${entry.method}`} />
          </Td>
          <Td phone="end">
            <Status
              {...(entry.success ? { tone: 'ok', label: 'Signed in' } : { tone: 'fail', label: 'Failed' })}
            />
          </Td>
          <Td numeric>
            <Time at={entry.at} format={time} />
          </Td>
        </Tr>
      ))}
    </Table>
  </Card>
)

const ExportCard = ({ publicUrl }: AccountProps) => (
  <Card title="Export">
    <p class="soft">Everything in the account as one NDJSON file, without secrets.</p>
    <div class="actions">
      <LinkButton href="/account/export" icon="download">
        Download everything
      </LinkButton>
      <LinkButton href="/audit/export.csv" icon="download">
        Download audit trail
      </LinkButton>
    </div>
    <p class="soft">This command writes workflows, deployments and runs to a folder that can be imported:</p>
    <p>
      <code>FLOWKEEP_URL={publicUrl} npm run flowkeep -- export ./backup</code>
    </p>
  </Card>
)

const DeletionCard = ({ user, errors, typed }: AccountProps) => (
  <Card title="Delete account">
    <Form action="/account/delete" page="/account">
      <p class="soft">
        Deletes your workflows, credentials, instances and runs. Copies in n8n are not deleted and keep
        running. This cannot be undone.
      </p>
      <TextField
        name="confirm"
        label={`Type ${user.email} to confirm`}
        value={typed.confirm ?? ''}
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
)
