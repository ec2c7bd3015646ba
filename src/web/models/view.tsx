/** @module The models that ran, the models and prompts that wrote workflows, and budgets. */
import type { AlertRule } from '../../alerts/contract.ts'
import type { Costs, ModelStats, PromptStats } from '../../analytics/contract.ts'
import type { UsageSums } from '../../runs/usage.ts'
import { Card, Empty, Grid } from '../components/card.tsx'
import { IgnoredFilters, LinkButton, Segmented, withQuery } from '../components/controls.tsx'
import { type Period, periods } from '../components/period.ts'
import { NameCell, Table, Td, Tr } from '../components/table.tsx'
import { costText, count, money, percent, percentRange, plural } from '../format.ts'
import { PageHead } from '../layout/page.tsx'

export interface ModelsViewProps {
  costs: Costs
  authors: ModelStats
  prompts: PromptStats
  budgets: AlertRule[]
  period: Period
  ignored: readonly string[]
}

export const ModelsView = ({ costs, authors, prompts, budgets, period, ignored }: ModelsViewProps) => (
  <>
    <PageHead
      title="AI models"
      actions={
        <>
          <LinkButton href="/models/prices">Prices</LinkButton>
          <Segmented
            label="Period"
            choices={periods.map(({ name, label }) => ({
              label,
              href: withQuery('/models', { period: name }),
              current: name === period.name,
            }))}
          />
        </>
      }
    />
    <IgnoredFilters ignored={ignored} />
    <Grid>
      <UsedModels costs={costs} period={period} />
      <Budgets budgets={budgets} />
      <Authors authors={authors} />
      <Prompts prompts={prompts} />
    </Grid>
  </>
)

const Cost = ({ usage }: { usage: UsageSums }) => (
  <Td numeric phone="end">
    {usage.cost === null ? <span class="muted">No price</span> : costText(usage)}
  </Td>
)

const tokens = ({ inputTokens, outputTokens }: UsageSums): string => count(inputTokens + outputTokens)

const usedColumns = [
  { label: 'Model' },
  { label: 'Runs', numeric: true },
  { label: 'Requests', numeric: true },
  { label: 'Input tokens', numeric: true },
  { label: 'Output tokens', numeric: true },
  { label: 'Cost', numeric: true },
]

function UsedModels({ costs: { items, usage, total }, period }: { costs: Costs; period: Period }) {
  const note = `${plural(usage.inputTokens + usage.outputTokens, 'token')}, ${costText(usage)} in ${period.text}`
  return (
    <Card
      span={12}
      title="Models in runs"
      note={total > items.length ? `${note}, the first ${items.length} of ${total}` : note}
      flush
    >
      {items.length === 0 ? (
        <Empty title="No AI nodes ran in this period.">
          Token counts come from n8n's run data. Set n8n to save the data of successful runs.
        </Empty>
      ) : (
        <Table caption="Models by cost" columns={usedColumns}>
          {items.map(({ model, executions, usage: used }) => (
            <Tr>
              <Td>
                <NameCell
                  name={model ?? 'Unknown model'}
                  note={used.estimatedTokens > 0 ? 'Partly estimated by n8n' : undefined}
                />
              </Td>
              <Td numeric phone="hide">
                {count(executions)}
              </Td>
              <Td numeric phone="hide">
                {count(used.calls)}
              </Td>
              <Td numeric phone="hide">
                {count(used.inputTokens)}
              </Td>
              <Td numeric phone="hide">
                {count(used.outputTokens)}
              </Td>
              {used.cost === null && model !== null ? (
                <Td numeric phone="end">
                  <a class="link" href={withQuery('/models/prices', { model })}>
                    Set price
                  </a>
                </Td>
              ) : (
                <Cost usage={used} />
              )}
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

const Budgets = ({ budgets }: { budgets: AlertRule[] }) => (
  <Card
    span={12}
    title="Budgets"
    aside={
      <LinkButton href="/alerts/new?kind=spend" icon="plus" small>
        Add budget
      </LinkButton>
    }
    flush
  >
    {budgets.length === 0 ? (
      <Empty title="No budgets yet.">
        A budget alerts you when the cost or the tokens of AI nodes exceed a limit.
      </Empty>
    ) : (
      <Table caption="Budgets" columns={[{ label: 'Rule' }, { label: 'State', numeric: true }]}>
        {budgets.map(({ id, sentence, enabled, openIncidents }) => (
          <Tr>
            <Td>
              <NameCell href={`/alerts/${id}`} name={sentence} />
            </Td>
            <Td numeric phone="end">
              {openIncidents > 0 ? <b class="fail">Exceeded</b> : enabled ? 'Within limit' : 'Disabled'}
            </Td>
          </Tr>
        ))}
      </Table>
    )}
  </Card>
)

type Rates = Pick<ModelStats['items'][number], 'successRate' | 'successRateInterval'>

const successText = ({ successRate, successRateInterval }: Rates): string =>
  successRate === null
    ? 'No finished runs'
    : `${percent(successRate / 100)}${successRateInterval ? `, likely ${percentRange(successRateInterval)}` : ''}`

const authorColumns = [
  { label: 'Model' },
  { label: 'Versions', numeric: true },
  { label: 'Runs', numeric: true },
  { label: 'Success', numeric: true },
  { label: 'Tokens', numeric: true },
  { label: 'Cost', numeric: true },
]

const Authors = ({ authors: { items } }: { authors: ModelStats }) => (
  <Card span={12} title="Models that wrote workflows" note="by runs of their versions" flush>
    {items.length === 0 ? (
      <Empty title="No runs in this period.">
        Save a workflow with the name of the model that generated it to compare models.
      </Empty>
    ) : (
      <Table caption="Models that wrote workflows, by runs" columns={authorColumns}>
        {items.map((item) => (
          <Tr>
            <Td>{item.model ?? 'No model'}</Td>
            <Td numeric phone="hide">
              {count(item.versions)}
            </Td>
            <Td numeric phone="hide">
              {count(item.runs)}
            </Td>
            <Td numeric phone="line">
              {successText(item)}
            </Td>
            <Td numeric phone="hide">
              {tokens(item.usage)}
            </Td>
            <Cost usage={item.usage} />
          </Tr>
        ))}
      </Table>
    )}
  </Card>
)

const promptColumns = [{ label: 'Prompt' }, ...authorColumns.slice(2)]

const Prompts = ({ prompts: { items } }: { prompts: PromptStats }) => (
  <Card span={12} title="Prompts" note="by runs of their versions" flush>
    {items.length === 0 ? (
      <Empty title="No runs of versions with a prompt in this period.">
        Save a workflow with the prompt behind it to compare prompts.
      </Empty>
    ) : (
      <Table caption="Prompts, by runs" columns={promptColumns}>
        {items.map((item) => (
          <Tr>
            <Td>
              <NameCell
                href={`/workflows/${item.workflowId}/versions/${item.version}`}
                name={item.prompt.slice(0, 120)}
                note={`${item.name} v${item.version}${item.model === null ? '' : `, ${item.model}`}`}
              />
            </Td>
            <Td numeric phone="hide">
              {count(item.runs)}
            </Td>
            <Td numeric phone="line">
              {successText(item)}
            </Td>
            <Td numeric phone="hide">
              {tokens(item.usage)}
            </Td>
            <Cost usage={item.usage} />
          </Tr>
        ))}
      </Table>
    )}
  </Card>
)

/** A price per million tokens. */
export const priceText = (value: number | null): string => (value === null ? 'Same as input' : money(value))
