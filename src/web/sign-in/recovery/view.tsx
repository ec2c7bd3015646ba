/** @module The pages of emailed links: a forgotten password, a new one, and the confirmation of email addresses. */
import { Button } from '../../components/controls.tsx'
import { Form, FormError, TextField } from '../../components/form.tsx'
import type { FormState } from '../../form-data.ts'

export const ForgotView = ({ values, errors }: FormState) => (
  <>
    <h1>Forgot your password?</h1>
    <p class="soft">Enter the email address of your account to receive a link to set a new password.</p>
    <Form action="/forgot-password">
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
      <FormError>{errors['']}</FormError>
      <Button kind="primary">Send link</Button>
    </Form>
  </>
)

export const WithoutMailView = () => (
  <>
    <h1>Forgot your password?</h1>
    <p class="soft">
      This server is not configured to send email. Ask its operator to run this command, which prints a new
      password:
    </p>
    <p>
      <code>flowkeep users reset-password &lt;your email&gt;</code>
    </p>
  </>
)

export const SentView = () => (
  <>
    <h1>Check your email</h1>
    <p class="soft">
      If an account has this address, you will receive a link to set a new password. It works once, within 30
      minutes.
    </p>
  </>
)

/** Filled by the script. Without it, people copy the code from the link. */
const CodeField = ({ value, error }: { value: string | undefined; error: string | undefined }) => (
  <TextField
    name="token"
    label="Code"
    required
    mono
    takesCode
    maxlength={256}
    value={value ?? ''}
    error={error}
    hint="The part of the link after #."
  />
)

export const ResetView = ({ values, errors }: FormState) => (
  <>
    <h1>Set a new password</h1>
    <p class="soft">This ends all sessions of your account.</p>
    <Form action="/reset-password">
      <CodeField value={values.token} error={errors.token} />
      <TextField
        name="newPassword"
        label="New password"
        type="password"
        required
        autocomplete="new-password"
        error={errors.newPassword}
        hint="At least 8 characters. A long passphrase is stronger than symbols."
      />
      <FormError>{errors['']}</FormError>
      <Button kind="primary">Set password</Button>
    </Form>
  </>
)

export const ConfirmView = ({ values, errors }: FormState) => (
  <>
    <h1>Confirm your email address</h1>
    <Form action="/confirm-email">
      <CodeField value={values.token} error={errors.token} />
      <FormError>{errors[''] ?? errors.email}</FormError>
      <Button kind="primary">Confirm</Button>
    </Form>
  </>
)

export const UndoView = ({ values, errors }: FormState) => (
  <>
    <h1>Undo the change to your email address</h1>
    <p class="soft">
      This restores the former address and ends all sessions. You will then receive a link to set a new
      password.
    </p>
    <Form action="/undo-email-change">
      <CodeField value={values.token} error={errors.token} />
      <FormError>{errors[''] ?? errors.email}</FormError>
      <Button kind="primary">Undo the change</Button>
    </Form>
  </>
)

export const DoneView = ({ title, text }: { title: string; text: string }) => (
  <>
    <h1>{title}</h1>
    <p class="soft">{text}</p>
  </>
)

export const BackToSignIn = () => (
  <a class="link" href="/sign-in">
    Sign in
  </a>
)
