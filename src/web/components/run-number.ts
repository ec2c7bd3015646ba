import { count } from '../format.ts'

/** #48 213, as n8n numbers it; ids that are no numbers as they are. */
export const runNumber = ({ n8nExecutionId }: { n8nExecutionId: string }): string =>
  `#${/^\d{1,15}$/.test(n8nExecutionId) ? count(Number(n8nExecutionId)) : n8nExecutionId}`
