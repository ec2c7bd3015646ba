import { loadCatalogue } from '/work/main/src/n8n/catalogue.ts'
import { extractMetadata } from '/work/main/src/n8n/metadata.ts'
const parameters = { authentication: 'predefinedCredentialType', nodeCredentialType: '={{ $json.type }}' }
console.log(
  extractMetadata(
    { nodes: [{ name: 'H', type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2, parameters }] },
    await loadCatalogue(),
  ),
)
const p2 = { authentication: 'genericCredentialType', genericAuthType: '={{ $json.type }}' }
console.log(
  extractMetadata(
    { nodes: [{ name: 'H', type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2, parameters: p2 }] },
    await loadCatalogue(),
  ),
)
