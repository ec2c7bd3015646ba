/** @module The consent page: who asks for access, and for what. */
import type { Scope } from '../../http/scopes.ts'
import type { VerifiedClient } from '../../oauth/authorization-request.ts'
import { isHarmful } from '../../oauth/scopes.ts'
import { KeyValues, Remark } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { CheckField, Fieldset, Form, FormError } from '../components/form.tsx'
import { StatusTag, type StatusStyle } from '../components/status.tsx'

/** What an app with the scope can do. */
const abilities: Partial<Record<Scope, string>> = {
  'workflows:read': 'Read workflows and node types',
  'workflows:write': 'Create and change workflows. Each change is a new version',
  'credentials:use': 'Use credentials in workflows, without reading their secrets',
  'deployments:read': 'Read deployments and plan new ones',
  deploy: 'Deploy and roll back, except on production instances',
  'deploy:production': 'Deploy and roll back on production instances',
  'executions:read': 'Read runs with their data and errors',
}

const marks: Partial<Record<Scope, StatusStyle>> = {
  deploy: { tone: 'wait', label: 'Changes n8n' },
  'deploy:production': { tone: 'fail', label: 'Changes production' },
}

interface ConsentProps extends VerifiedClient {
  /** Path and query of this page. */
  action: string
  user: { id: string; email: string }
  scopes: readonly Scope[]
  error?: string | undefined
}

export function ConsentView({ client, target, action, user, scopes, error }: ConsentProps) {
  const isLocal = target.kind === 'loopback' || target.kind === 'native'
  const destination = target.kind === 'loopback' ? `This computer (${target.label})` : target.label
  return (
    <>
      <h1>Connect {client.name}</h1>
      <p class="soft">The app asks for access to your Flowkeep account.</p>
      <KeyValues
        items={[
          ['Publisher', client.host ?? <StatusTag tone="wait" label="Unverified" />],
          ['Returns to', destination],
          ['Account', user.email],
        ]}
      />
      {client.host === null ? (
        <Remark tone="wait">
          The app chose this name itself. Continue only if you have just started to connect it.
        </Remark>
      ) : (
        isLocal && (
          <Remark tone="wait">
            Other programs on this computer can use this name. Continue only if you have just started to
            connect the app.
          </Remark>
        )
      )}
      <Form action={action} page={action}>
        <input type="hidden" name="_owner" value={user.id} />
        <Fieldset legend="Allow the app to">
          {scopes.map((scope) => {
            const mark = marks[scope]
            return (
              <CheckField
                name="scopes"
                id={`scope-${scope.replace(':', '-')}`}
                value={scope}
                checked={!isHarmful(scope)}
                label={abilities[scope] ?? scope}
                note={mark && <StatusTag {...mark} />}
              />
            )
          })}
        </Fieldset>
        <FormError>{error}</FormError>
        <div class="actions">
          <Button kind="primary" name="decision" value="allow">
            Allow
          </Button>
          <Button name="decision" value="deny">
            Deny
          </Button>
        </div>
      </Form>
    </>
  )
}

export const RefusedView = ({ reason }: { reason: string }) => (
  <>
    <h1>The app cannot connect</h1>
    <p class="soft">{reason}.</p>
    <p class="soft">Remove Flowkeep from the app, then add it again.</p>
    <a class="button primary" href="/">
      Go to overview
    </a>
  </>
)

/** For redirect URIs that a form cannot lead to. */
export const ReturnView = ({ uri }: { uri: string }) => (
  <>
    <h1>Return to the app</h1>
    <a class="button primary" href={uri}>
      Continue
    </a>
  </>
)
