/** @module What deploying a plan changes: its effects, and the differences from what n8n has. */
import type { Plan } from '../../deployments/plan/contract.ts'
import { Card } from './card.tsx'
import type { Effect } from './plan-effects.ts'

const signs: Record<Effect['kind'], { sign: string; label: string }> = {
  create: { sign: '+', label: 'Create' },
  change: { sign: '~', label: 'Change' },
  stop: { sign: '−', label: 'Stop' },
  keep: { sign: '=', label: 'No change' },
}

export const Effects = ({ effects }: { effects: Effect[] }) => (
  <Card title="Planned changes" note="in n8n">
    <ul class="deploy-effects">
      {effects.map(({ kind, what, detail }) => (
        <li class={kind}>
          <span class="deploy-sign" aria-hidden="true">
            {signs[kind].sign}
          </span>
          <span class="deploy-kind">{signs[kind].label}</span>
          <span>
            <span class="strong">{what}</span>
            {detail && <small>{detail}</small>}
          </span>
        </li>
      ))}
    </ul>
  </Card>
)

export function Differences({ plan }: { plan: Plan }) {
  const { live } = plan
  const diff = live?.diff
  if (!live || !diff || !live.differs) return null
  const wire = ({ from, to, type }: { from: string; to: string; type: string }) =>
    `${from} → ${to}${type === 'main' ? '' : ` (${type})`}`
  const parts: [string, 'add' | 'del' | 'change', string[]][] = [
    ['Nodes added', 'add', diff.added],
    ['Nodes removed', 'del', diff.removed],
    [
      'Nodes changed',
      'change',
      diff.changed.map(
        ({ node, paths }) =>
          `${node}: ${paths.slice(0, 6).join(', ')}${paths.length > 6 ? ` and ${paths.length - 6} more` : ''}`,
      ),
    ],
    ['Connections added', 'add', diff.connections.added.map(wire)],
    ['Connections removed', 'del', diff.connections.removed.map(wire)],
    ['Settings', 'change', diff.settings],
    ['Name', 'change', diff.name === null ? [] : [diff.name]],
  ]
  return (
    <Card
      title="Differences"
      note={
        live.version === plan.version
          ? `n8n has v${live.version} with later edits`
          : `compared with v${live.version} in n8n`
      }
      aside={
        live.version !== plan.version && (
          <a class="link" href={`/workflows/${plan.workflowId}/diff/${live.version}..${plan.version}`}>
            Full diff
          </a>
        )
      }
    >
      <dl class="deploy-diff">
        {parts.map(
          ([label, kind, lines]) =>
            lines.length > 0 && (
              <>
                <dt>{label}</dt>
                {lines.map((line) => (
                  <dd class={kind}>{line}</dd>
                ))}
              </>
            ),
        )}
      </dl>
    </Card>
  )
}
