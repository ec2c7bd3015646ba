import { AppError } from '../errors.ts'
import { N8nError } from '../n8n/api/transport.ts'
import { type InstanceConnections, toAppError } from './connections.ts'

/**
 * Runs n8n's own test of a credential, by its ID in n8n. Null when the user has no such instance.
 * @throws {AppError} `instance-rejected` when n8n's API cannot test credentials, `instance-*`, `key-unavailable`
 */
export async function testCredential(
  connections: Pick<InstanceConnections, 'open'>,
  userId: string,
  instanceId: string,
  n8nCredentialId: string,
): Promise<{ ok: boolean; message: string } | null> {
  const connection = await connections.open(userId, instanceId)
  if (!connection) return null
  const { client } = connection
  try {
    const { credentialTest } = await client.capabilities()
    if (!credentialTest) {
      throw new AppError(
        'instance-rejected',
        'This n8n version cannot test credentials through its API. Upgrade n8n',
      )
    }
    return await client.testCredential(n8nCredentialId)
  } catch (error) {
    throw error instanceof N8nError ? toAppError(error) : error
  }
}
