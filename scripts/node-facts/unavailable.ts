/** n8n loads these nodes only for its own tests and behind a feature flag. */
export const unavailableNodes: ReadonlySet<string> = new Set(['e2eTest', 'dynamicCredentialCheck'])
