import { AppError } from '../errors.ts'
import { N8nError } from '../n8n/api-transport.ts'
import { type InstanceConnections, toAppError } from './connections.ts'

/**
 * n8n's own test of a credential that it has, by n8n's id. Null when the user has no such instance.
 * @throws {AppError} `instance-rejected` where n8n's API has no such test, `instance-*`, `key-unavailable`
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
        'This n8n cannot test credentials through its API: it takes a newer one',
      )
    }
    return await client.testCredential(n8nCredentialId)
  } catch (error) {
    throw error instanceof N8nError ? toAppError(error) : error
  }
}
