/** @module The pages without a session: sign in, create an account, signed out. */
import { NoticeBar } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { Form, FormError, TextField } from '../components/form.tsx'
import type { FormState } from '../form-data.ts'
import type { Notice } from '../notice.ts'
import { withReturn } from './sign-in-form.ts'

export interface SignInProps extends FormState {
  action: string
  notice?: Notice | null
  /** The sealed form that signing in shows again. */
  draft?: string
}

export const SignInView = ({ action, values, errors, notice, draft }: SignInProps) => (
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
