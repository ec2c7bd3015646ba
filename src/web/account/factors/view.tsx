/** @module The pages of second factors. */
import type { Factors } from '../../../users/factors/contract.ts'
import { Card, CodeBox, Grid, KeyValues } from '../../components/card.tsx'
import { Button, CopyButton, LinkButton } from '../../components/controls.tsx'
import { Form, FormError, TextField } from '../../components/form.tsx'
import { Table, Td, Time, Tr } from '../../components/table.tsx'
import { plural, type TimeFormat } from '../../format.ts'
import { PageHead } from '../../layout/page.tsx'
import { FactorFields, PasskeyButton } from '../../components/factor-fields.tsx'

export const path = '/account/security'

export const changes = ['totp', 'passkey', 'recovery-codes', 'remove-totp', 'remove-passkey'] as const
export type Change = (typeof changes)[number]

const changeTo = (change: Change, id?: string) =>
  `${path}/change?do=${change}${id ? `&id=${encodeURIComponent(id)}` : ''}`

export const SecurityPage = ({ factors, time }: { factors: Factors; time: TimeFormat }) => {
  const { totp, passkeys, recoveryCodesLeft } = factors
  const hasFactor = totp !== null || passkeys.length > 0
  return (
    <>
      <PageHead
        title="Sign-in security"
        meta={<span>{hasFactor ? 'A second factor is required' : 'The password is enough to sign in'}</span>}
      />
      <Grid>
        <Card span={6} title="Authenticator app">
          {totp ? (
            <div class="form">
              <KeyValues
                items={[
                  ['Added', <Time at={totp.confirmedAt} format={time} />],
                  ['Last used', <LastUse at={totp.lastUsedAt} time={time} />],
                ]}
              />
              <div class="actions">
                <LinkButton href={changeTo('remove-totp')}>Remove</LinkButton>
              </div>
            </div>
          ) : (
            <div class="form">
              <p class="soft">An app on your phone shows a new code every 30 seconds.</p>
              <div class="actions">
                <LinkButton href={changeTo('totp')}>Set up</LinkButton>
              </div>
            </div>
          )}
        </Card>
        <Card span={6} title="Recovery codes">
          <div class="form">
            <p class="soft">
              {hasFactor
                ? `${plural(recoveryCodesLeft, 'code')} left. Each works once if you lose your device.`
                : 'You get ten codes with the first authenticator app or passkey.'}
            </p>
            {hasFactor && (
              <div class="actions">
                <LinkButton href={changeTo('recovery-codes')}>Create new codes</LinkButton>
              </div>
            )}
          </div>
        </Card>
      </Grid>
      <Card title="Passkeys" flush={passkeys.length > 0}>
        {passkeys.length === 0 ? (
          <p class="soft">Sign in with your fingerprint, face or device PIN, without a password.</p>
        ) : (
          <Table
            caption="Passkeys, newest first"
            columns={[
              { label: 'Passkey' },
              { label: 'Added', numeric: true },
              { label: 'Last used', numeric: true },
              { label: 'Remove' },
            ]}
          >
            {passkeys.map(({ id, name, isSynced, createdAt, lastUsedAt }) => (
              <Tr>
                <Td>
                  {name} {isSynced && <span class="muted">synchronized</span>}
                </Td>
                <Td numeric phone="hide">
                  <Time at={createdAt} format={time} as="day" />
                </Td>
                <Td numeric phone="line">
                  <LastUse at={lastUsedAt} time={time} />
                </Td>
                <Td phone="end">
                  <a class="link" href={changeTo('remove-passkey', id)} aria-label={`Remove ${name}`}>
                    Remove
                  </a>
                </Td>
              </Tr>
            ))}
          </Table>
        )}
      </Card>
      <div class="actions">
        <LinkButton kind="primary" icon="plus" href={changeTo('passkey')}>
          Add a passkey
        </LinkButton>
      </div>
    </>
  )
}

const LastUse = ({ at, time }: { at: string | null; time: TimeFormat }) =>
  at === null ? <span class="muted">never</span> : <Time at={at} format={time} as="relative" />

const confirmTexts: Record<Change, { text: string; button: string; isDanger?: true }> = {
  totp: { text: 'You are about to set up an authenticator app.', button: 'Continue' },
  passkey: { text: 'You are about to create a passkey.', button: 'Continue' },
  'recovery-codes': { text: 'Your current recovery codes stop working.', button: 'Create new codes' },
  'remove-totp': {
    text: 'Codes from the app stop working. Without another factor, the password alone is enough to sign in.',
    button: 'Remove authenticator app',
    isDanger: true,
  },
  'remove-passkey': {
    text: 'The passkey stops working. Without another factor, the password alone is enough to sign in.',
    button: 'Remove passkey',
    isDanger: true,
  },
}

export interface ConfirmPageProps {
  change: Change
  /** Of the passkey to remove. */
  id: string
  /** Empty for an account without a second factor. */
  methods: readonly string[]
  errors: Record<string, string>
}

export const ConfirmPage = ({ change, id, methods, errors }: ConfirmPageProps) => {
  const { text, button, isDanger } = confirmTexts[change]
  return (
    <>
      <PageHead title="Verify your identity" />
      <Grid>
        <Card span={6} label="Verify your identity">
          <Form action={changeTo(change, id)} page={changeTo(change, id)}>
            <p class="soft">{text}</p>
            <TextField
              name="password"
              label="Password"
              type="password"
              autocomplete="current-password"
              required
              focus={Object.keys(errors).length === 0}
              error={errors.password}
            />
            {methods.length > 0 && (
              <FactorFields
                methods={methods}
                passkey={`${path}/passkey-check`}
                error={errors.code ?? errors.recoveryCode}
              />
            )}
            <FormError>{errors['']}</FormError>
            <div class="actions">
              <Button kind={isDanger ? 'danger' : 'primary'}>{button}</Button>
              <LinkButton href={path}>Cancel</LinkButton>
            </div>
          </Form>
        </Card>
      </Grid>
    </>
  )
}

export interface TotpPageProps {
  secret: string
  qr: { size: number; path: string }
  error: string | undefined
}

/** The only page that shows the secret. */
export const TotpPage = ({ secret, qr, error }: TotpPageProps) => (
  <>
    <PageHead title="Set up an authenticator app" />
    <Grid>
      <Card span={6} title="1. Scan the code">
        <div class="form">
          <svg
            class="qr"
            width="220"
            height="220"
            viewBox={`0 0 ${qr.size} ${qr.size}`}
            role="img"
            aria-label="QR code for the authenticator app"
            shape-rendering="crispEdges"
          >
            <rect width={qr.size} height={qr.size} fill="#fff" />
            <path d={qr.path} fill="#000" />
          </svg>
          <p class="soft">
            Or enter this key in the app: <code>{secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
          </p>
        </div>
      </Card>
      <Card span={6} title="2. Enter the code">
        <Form action={`${path}/totp`} page={changeTo('totp')}>
          <TextField
            name="code"
            label="Code"
            required
            mono
            inputmode="numeric"
            autocomplete="one-time-code"
            maxlength={10}
            focus={error === undefined}
            error={error}
            hint="The 6 digits that the app shows now."
          />
          <div class="actions">
            <Button kind="primary">Confirm</Button>
            <LinkButton href={path}>Cancel</LinkButton>
          </div>
        </Form>
      </Card>
    </Grid>
  </>
)

export const PasskeyPage = ({ options }: { options: string }) => (
  <>
    <PageHead title="Create a passkey" />
    <Grid>
      <Card span={6} label="Create a passkey">
        <Form action={`${path}/passkeys`} page={changeTo('passkey')}>
          <TextField
            name="name"
            label="Name"
            required
            maxlength={100}
            focus
            hint="Where it is stored, such as Work laptop or Security key."
          />
          <div class="actions">
            <PasskeyButton options={options} creates>
              Create passkey
            </PasskeyButton>
            <LinkButton href={path}>Cancel</LinkButton>
          </div>
          <noscript>
            <p class="soft">Passkeys need JavaScript.</p>
          </noscript>
        </Form>
      </Card>
    </Grid>
  </>
)

/** The only page that shows the codes. */
export const CodesPage = ({ codes }: { codes: readonly string[] }) => (
  <>
    <PageHead title="Recovery codes" />
    <Grid>
      <Card span={6} title="Save them now" note="shown only once">
        <div class="form">
          <p class="soft">
            Each code works once, together with your password, if you lose your device. Keep them in a safe
            place.
          </p>
          <CodeBox id="codes">{codes.join('\n')}</CodeBox>
          <div class="actions">
            <CopyButton from="#codes" small={false}>
              Copy codes
            </CopyButton>
            <LinkButton kind="primary" href={path}>
              Done
            </LinkButton>
          </div>
        </div>
      </Card>
    </Grid>
  </>
)
