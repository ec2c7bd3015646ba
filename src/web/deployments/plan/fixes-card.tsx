/** @module The fixes that a plan offers, and the result of the chosen ones. */
import type { Plan } from '../../../deployments/plan/contract.ts'
import { Card, Remark } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { type Choices, planPath } from './choices.ts'

const shownFixes = 20

/** Fixes that do not change what the workflow does. None is applied until the user chooses it. */
export function FixesCard({ plan, choices }: { plan: Plan; choices: Choices }) {
  const offered = plan.problems.filter(({ fix }) => fix)
  if (plan.fixes.length > 0 && offered.length === 0) {
    return (
      <Remark tone="ok">
        Deploying saves the fixed workflow as a new version based on v{plan.version}.{' '}
        <a class="link" href={planPath({ ...choices, fixes: [] })}>
          Discard fixes
        </a>
      </Remark>
    )
  }
  if (offered.length === 0) return null
  const fixes = [...new Set([...choices.fixes, ...offered.map(({ code }) => code)])]
  return (
    <Card
      title="Safe fixes"
      note="saved as a new version when you deploy"
      aside={
        <LinkButton href={planPath({ ...choices, version: plan.version, fixes })}>
          {offered.length === 1 ? 'Apply fix' : `Apply ${offered.length} fixes`}
        </LinkButton>
      }
    >
      <ul class="deploy-lines">
        {offered.slice(0, shownFixes).map(({ pointer, node, fix }) => (
          <li>
            <code>{pointer}</code> {node && <b>{node}: </b>}
            {fix?.label}
          </li>
        ))}
      </ul>
      {offered.length > shownFixes && <p class="muted">and {offered.length - shownFixes} more</p>}
    </Card>
  )
}
