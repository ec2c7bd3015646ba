/** @module The page of one credential: health, stored fields, usage, failed runs and deletion. */
import type { CredentialStats } from '../../../analytics/contract.ts'
import type { Credential, CredentialUsage, PendingDeployment } from '../../../credentials/contract.ts'
import { serviceLabel } from '../../../credentials/service-name.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import { Card, Grid, KeyValues, Kpi, Kpis, Remark } from '../../components/card.tsx'
import { Action, Button, LinkButton, Segmented, withQuery } from '../../components/controls.tsx'
import { Form, Hidden, SelectField } from '../../components/form.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { credentialStyle, StatusTag } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { count, plural, type TimeFormat } from '../../format.ts'
import { DeleteCard, type DeletionState } from './delete-card.tsx'
import { fieldLabel } from '../labels.ts'
import { type Period, shortPeriods } from '../../components/period.ts'
import type { CredentialPlaces, Place } from '../../../credentials/queries.ts'
import { PushCard } from './push-card.tsx'
import { Deployments, Failures, Workflows } from './usage-cards.tsx'
import { typeLabel } from '../form/view.tsx'

export interface DetailProps {
  credential: Credential
  usage: CredentialUsage
  places: CredentialPlaces
  /** Undefined before its first run. */
  stats: CredentialStats['items'][number] | undefined
  period: Period
  catalogue: Catalogue
  time: TimeFormat
  deletion: DeletionState
  /** Deployments for which n8n has an earlier value. */
  pending: PendingDeployment[]
}

export function CredentialDetail(props: DetailProps) {
  const { credential, usage, places, stats, period, catalogue, time, deletion, pending } = props
  const path = `/credentials/${credential.id}`
  const label = typeLabel(catalogue, credential.type)
  const testable = places.places.filter(({ canTest }) => canTest)
  const isRejected = credential.status === 'invalid'
  // A type with OAuth needs a sign-in in n8n first.
  const needsSignIn = catalogue.credentialType(credential.type)?.oauth === true
  const isNowhere = credential.status === 'untested' && places.places.length === 0
  const offersTest = isNowhere && places.offered.length > 0 && !needsSignIn
  return (
    <>
      <PageHead
        title={credential.name}
        meta={
          <>
            <StatusTag {...credentialStyle(credential.status)} />
            <span>
              <NodeBadge type={credential.type} />
              {label}
            </span>
            <span>
              <Icon name="clock" small />
              {credential.lastValidatedAt === null ? (
                'never tested'
              ) : (
                <span>
                  tested <Time at={credential.lastValidatedAt} format={time} as="relative" />
                </span>
              )}
            </span>
          </>
        }
        actions={
          <>
            {testable.length > 0 && (
              <Action
                action={`${path}/validate`}
                fields={{ instance: testable[0]?.instanceId ?? '' }}
                icon="retry"
                kind={isRejected ? 'plain' : 'primary'}
              >
                {pending.length > 0 ? 'Push and test' : 'Test now'}
              </Action>
            )}
            <LinkButton href={`${path}/edit`} icon="pencil" kind={isRejected ? 'primary' : 'plain'}>
              Edit
            </LinkButton>
            {places.deployments.items.length > 0 && <LinkButton href={`${path}/replace`}>Replace</LinkButton>}
          </>
        }
      />
      <PushCard id={credential.id} pending={pending} />
      {offersTest ? (
        <FirstTest path={path} instances={places.offered} />
      ) : (
        <Health credential={credential} places={places.places} testable={testable} time={time} />
      )}
      <div class="credential-bar">
        <h2 class="credential-heading">Runs of deployments that use it</h2>
        <Segmented
          label="Period"
          choices={shortPeriods.map((each) => ({
            label: each.label,
            href: withQuery(path, { period: each.name }),
            current: each.name === period.name,
          }))}
        />
      </div>
      <Figures stats={stats} period={period} />
      <Grid>
        <div class="stack span-8">
          <Workflows usage={usage} type={credential.type} />
          <Deployments deployments={places.deployments} usage={usage} time={time} />
          <Failures
            failures={places.failures}
            hasDeployments={places.deployments.items.length > 0}
            time={time}
          />
        </div>
        <div class="stack span-4">
          <Details credential={credential} label={label} places={places.places} time={time} />
          <DeleteCard credential={credential} deployments={places.deployments} deletion={deletion} />
        </div>
      </Grid>
    </>
  )
}

/** The next step for a new credential: an n8n instance receives and tests it. */
const FirstTest = ({ path, instances }: { path: string; instances: CredentialPlaces['offered'] }) => (
  <Card title="Test it">
    <Form action={`${path}/validate`}>
      <p class="soft credential-small">
        Not in n8n yet. Flowkeep sends it to {instances.length === 1 ? instances[0]?.name : 'an n8n instance'}
        , which then signs in with it once.
      </p>
      {instances.length === 1 ? (
        <Hidden name="instance" value={instances[0]?.instanceId ?? ''} />
      ) : (
        <SelectField
          name="instance"
          label="Instance"
          options={instances.map(({ instanceId, name }) => [instanceId, name] as const)}
        />
      )}
      <div class="actions">
        <Button kind="primary" icon="retry">
          Send and test
        </Button>
      </div>
    </Form>
  </Card>
)

function Health(props: {
  credential: Credential
  places: readonly Place[]
  testable: readonly Place[]
  time: TimeFormat
}) {
  const { credential, places, testable, time } = props
  const { status, validationError, lastValidatedAt } = credential
  if (status === 'valid') return null
  if (status === 'invalid') {
    return (
      <section class="credential-problem" aria-label="Reason for rejection">
        <p>
          <b>{validationError ?? 'n8n gave no reason.'}</b>
        </p>
        <p class="soft">
          {lastValidatedAt !== null && <>Tested {time.afterVerb(lastValidatedAt)}. </>}
          Enter new values, push them to n8n, then test the credential.
        </p>
      </section>
    )
  }
  return (
    <Remark>
      {testable.length > 0
        ? 'Not tested yet. During a test, n8n signs in with it once.'
        : places.length > 0
          ? 'Not tested yet. The n8n instance that has it cannot test credentials through its API. The next run will show whether it works.'
          : 'Not in n8n yet. Deploy a workflow that uses it, so that n8n can test it.'}
    </Remark>
  )
}

function Figures({ stats, period }: { stats: DetailProps['stats']; period: Period }) {
  const note = `in ${period.label}`
  return (
    <Kpis label="Runs of deployments that use it">
      <Kpi
        label="Runs"
        value={count(stats?.runs)}
        note={note}
        {...(stats?.runs && { href: '#deployments' })}
      />
      <Kpi
        label="Failed"
        value={count(stats?.failures)}
        note={note}
        {...(stats?.failures && { href: '#deployments' })}
      />
      <Kpi
        label="Rejected by the service"
        value={count(stats?.authenticationFailures)}
        note="401 or 403 responses"
        {...(stats?.authenticationFailures && { href: '#failures' })}
      />
      <Kpi label="Deployments" value={count(stats?.deployments)} note="that use it" href="#deployments" />
    </Kpis>
  )
}

function Details(props: {
  credential: Credential
  label: string
  places: readonly Place[]
  time: TimeFormat
}) {
  const { credential, label, places, time } = props
  const { type, service, known, fields, createdAt, updatedAt, version } = credential
  return (
    <Card title="Details">
      <KeyValues
        items={[
          [
            'Type',
            <>
              {label}
              <small class="block muted mono">{type}</small>
              {!known && <small class="block muted">from a community node</small>}
            </>,
          ],
          [
            'Service',
            <a href={withQuery('/credentials', { service })}>{serviceLabel(service, type, label)}</a>,
          ],
          [
            'In n8n',
            places.length === 0
              ? 'not yet'
              : places.map(({ instanceId, name, pushedAt }) => (
                  <span class="block">
                    <a class="link" href={`/instances/${instanceId}`}>
                      {name}
                    </a>{' '}
                    {pushedAt !== null && (
                      <span class="muted">
                        pushed <Time at={pushedAt} format={time} as="relative" />
                      </span>
                    )}
                  </span>
                )),
          ],
          [
            'Stored values',
            fields.length === 0 ? (
              'none'
            ) : (
              <>
                <ul class="credential-stored">
                  {fields.map((name) => (
                    <li title={name}>{known ? fieldLabel(name) : name}</li>
                  ))}
                </ul>
                <small class="muted">Encrypted and never shown again.</small>
              </>
            ),
          ],
          ['Created', <Time at={createdAt} format={time} />],
          [
            'Changed',
            version === 1 ? (
              'never'
            ) : (
              <>
                <Time at={updatedAt} format={time} /> <span class="muted">{plural(version - 1, 'time')}</span>
              </>
            ),
          ],
        ]}
      />
    </Card>
  )
}
