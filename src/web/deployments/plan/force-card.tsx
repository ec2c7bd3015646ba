/** @module Deploys a workflow although n8n would refuse to publish it, with a reason for the audit trail. */
import type { Plan } from '../../../deployments/plan/contract.ts'
import { isForceable } from '../../../deployments/plan/problems.ts'
import { Card } from '../../components/card.tsx'
import { Button } from '../../components/controls.tsx'
import { Form, Hidden, TextField } from '../../components/form.tsx'
import { planPath, type Choices } from './choices.ts'

const shownProblems = 20

interface ForceCardProps {
  plan: Plan
  choices: Choices
  /** The hidden fields of the deploy form. */
  fields: Record<string, string>
}

export function ForceCard({ plan, choices, fields }: ForceCardProps) {
  const blocking = plan.problems.filter(({ blocks }) => blocks)
  if (blocking.length === 0 || !isForceable(plan.problems)) return null
  return (
    <Card title="Deploy anyway" note={`checked for n8n ${plan.n8nVersion}`}>
      <ul class="deploy-lines">
        {blocking.slice(0, shownProblems).map(({ node, message }) => (
          <li>
            {node && <b>{node}: </b>}
            {message}
          </li>
        ))}
      </ul>
      {blocking.length > shownProblems && <p class="muted">and {blocking.length - shownProblems} more</p>}
      <Form action="/deployments" page={planPath(choices)}>
        {Object.entries(fields).map(([name, value]) => (
          <Hidden name={name} value={value} />
        ))}
        <TextField
          name="force"
          label="Reason"
          required
          maxlength={500}
          hint="Saved in the audit trail. If n8n refuses to publish the workflow, the deployment fails and nothing goes live."
        />
        <div class="actions">
          <Button kind="danger">Deploy anyway</Button>
        </div>
      </Form>
    </Card>
  )
}
