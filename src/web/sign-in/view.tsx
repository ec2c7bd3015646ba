/** @module The pages without a session: sign in, create an account, signed out. */
import { NoticeBar } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { Form, FormError, TextField } from '../components/form.tsx'
import { FactorFields, PasskeyButton } from '../components/factor-fields.tsx'
import type { FormState } from '../form-data.ts'
import type { Notice } from '../notice.ts'
import { withReturn } from './sign-in-form.ts'
import type { SecondStep } from './sign-in-step.ts'

export interface SignInProps extends FormState {
  action: string
  notice?: Notice | null
  /** The sealed form that signing in shows again. */
  draft?: string | undefined
  /** Present after the correct password. */
  step?: SecondStep | null
}

export const SignInView = ({ action, values, errors, notice, draft, step }: SignInProps) =>
  step ? (
    <SecondStepView action={action} errors={errors} draft={draft} step={step} />
  ) : (
    <>
      <h1>Sign in</h1>
      {notice && <NoticeBar {...notice} />}
      <Form action={action}>
        {draft && <input type="hidden" name="draft" value={draft} />}
        <TextField
          name="email"
          label="Email"
          type="email"
          required
          autocomplete="username"
          value={values.email ?? ''}
          error={errors.email}
          focus={errors[''] === undefined && !values.email}
        />
        <TextField
          name="password"
          label="Password"
          type="password"
          required
          autocomplete="current-password"
          error={errors.password}
          focus={errors[''] === undefined && Boolean(values.email)}
        />
        <FormError>{errors['']}</FormError>
        <Button kind="primary">Sign in</Button>
      </Form>
      <Form action={action}>
        {draft && <input type="hidden" name="draft" value={draft} />}
        <PasskeyButton options="/sign-in/passkey-options">Sign in with a passkey</PasskeyButton>
      </Form>
    </>
  )

const SecondStepView = ({
  action,
  errors,
  draft,
  step,
}: Pick<SignInProps, 'action' | 'errors' | 'draft'> & { step: SecondStep }) => (
  <>
    <h1>Verify your identity</h1>
    <Form action={action}>
      {draft && <input type="hidden" name="draft" value={draft} />}
      <input type="hidden" name="token" value={step.token} />
      <input type="hidden" name="methods" value={step.methods.join(' ')} />
      <input type="hidden" name="options" value={step.passkeyOptions} />
      <FactorFields
        methods={step.methods}
        passkey={step.passkeyOptions}
        error={errors.code ?? errors.recoveryCode}
        focus={errors[''] === undefined}
      />
      <FormError>{errors['']}</FormError>
      <Button kind="primary">Continue</Button>
    </Form>
    <p class="soft">
      Lost your device? Use a recovery code, or{' '}
      <a class="link" href="/docs/guide/sign-in">
        ask the operator
      </a>
      .
    </p>
  </>
)

export const SignInFooter = ({ back }: { back: string }) => (
  <>
    No account yet?{' '}
    <a class="link" href={withReturn('/register', back)}>
      Create an account
    </a>{' '}
    ·{' '}
    <a class="link" href="/forgot-password">
      Forgot password?
    </a>
  </>
)

export const RegisterView = ({ back, values, errors }: FormState & { back: string }) => (
  <>
    <h1>Create an account</h1>
    <Form action={withReturn('/register', back)}>
      <TextField
        name="email"
        label="Email"
        type="email"
        required
        autocomplete="username"
        value={values.email ?? ''}
        error={errors.email}
        focus={errors[''] === undefined}
      />
      <TextField
        name="name"
        label="Name"
        required={false}
        autocomplete="name"
        maxlength={200}
        value={values.name ?? ''}
        error={errors.name}
      />
      <TextField
        name="password"
        label="Password"
        type="password"
        required
        autocomplete="new-password"
        error={errors.password}
        hint="At least 8 characters. A long passphrase is stronger than symbols."
      />
      <FormError>{errors['']}</FormError>
      <Button kind="primary">Create account</Button>
    </Form>
  </>
)

export const RegisterFooter = ({ back }: { back: string }) => (
  <>
    Already have an account?{' '}
    <a class="link" href={withReturn('/sign-in', back)}>
      Sign in
    </a>
  </>
)

export const SignedOutView = () => (
  <>
    <h1>Signed out</h1>
    <p class="soft">Your session in this browser has ended.</p>
    <a class="button primary" href="/sign-in">
      Sign in again
    </a>
  </>
)
