import { count } from '../format.ts'

/** n8n's execution number, such as #48 213. Other IDs stay unchanged. */
export const runNumber = ({ n8nExecutionId }: { n8nExecutionId: string }): string =>
  `#${/^\d{1,15}$/.test(n8nExecutionId) ? count(Number(n8nExecutionId)) : n8nExecutionId}`
