/** @module The fields of a second factor, on the sign-in page and where a change to the account is confirmed. */
import { TextField } from './form.tsx'

export interface FactorFieldsProps {
  methods: readonly string[]
  /** Where the script gets the options of a passkey, or the options as JSON. */
  passkey: string
  error?: string | undefined
  focus?: boolean
}

export const FactorFields = ({ methods, passkey, error, focus }: FactorFieldsProps) => (
  <>
    <TextField
      name="code"
      label={methods.includes('totp') ? 'Code' : 'Recovery code'}
      autocomplete="one-time-code"
      mono
      maxlength={100}
      error={error}
      focus={focus}
      hint={
        methods.includes('totp')
          ? 'The 6 digits that your authenticator app shows, or a recovery code.'
          : 'Or use a passkey.'
      }
    />
    {methods.includes('passkey') && <PasskeyButton options={passkey}>Use a passkey</PasskeyButton>}
  </>
)

interface PasskeyButtonProps {
  /** A path to POST to, or JSON. */
  options: string
  /** Creates a passkey instead of using one. */
  creates?: boolean
  children: string
}

/** Fills the hidden field and submits the form. Hidden without the script, or if the browser has no passkeys. */
export const PasskeyButton = ({ options, creates, children }: PasskeyButtonProps) => (
  <>
    <input type="hidden" name="passkey" value="" />
    <button
      type="button"
      class={creates ? 'button primary' : 'button'}
      hidden
      data-passkey={options}
      {...(creates && { 'data-passkey-creates': true })}
    >
      {children}
    </button>
    <p class="field-error" data-passkey-error hidden role="alert">
      <span>The browser could not use the passkey. Try again.</span>
    </p>
  </>
)
