/** @module The dashboard's pages that the search finds. */
import type { FoundPage } from '../../search/search.ts'

export const searchPagesList: readonly FoundPage[] = [
  { label: 'Overview', href: '/', keywords: 'home start dashboard' },
  { label: 'Runs', href: '/executions', keywords: 'executions history log' },
  { label: 'Failed runs', href: '/executions?status=failed', keywords: 'executions failures' },
  { label: 'Errors', href: '/errors', keywords: 'error groups failures problems' },
  { label: 'Workflows', href: '/workflows', keywords: 'automations' },
  { label: 'Add workflow', href: '/workflows/new', keywords: 'new create upload paste json' },
  { label: 'Credentials', href: '/credentials', keywords: 'secrets keys passwords tokens' },
  { label: 'Add credential', href: '/credentials/new', keywords: 'new create secret key password token' },
  { label: 'Rejected credentials', href: '/credentials?status=invalid', keywords: 'broken invalid' },
  { label: 'Deployments', href: '/deployments', keywords: 'live drift' },
  { label: 'Plan deployment', href: '/deployments/new', keywords: 'new add create deploy' },
  { label: 'Instances', href: '/instances', keywords: 'n8n servers' },
  { label: 'Add instance', href: '/instances/new', keywords: 'new create connect n8n server' },
  { label: 'AI models', href: '/models', keywords: 'tokens costs prompts budgets llm spend' },
  { label: 'Model prices', href: '/models/prices', keywords: 'tokens costs llm' },
  { label: 'Account', href: '/account', keywords: 'password sessions name delete settings profile' },
  { label: 'Audit trail', href: '/audit', keywords: 'log events security' },
  { label: 'Keyboard shortcuts', href: '/help', keywords: 'help keys' },
  { label: 'Export and import', href: '/more', keywords: 'more data backup theme sign out' },
  { label: 'API reference', href: '/docs', keywords: 'openapi documentation' },
]
