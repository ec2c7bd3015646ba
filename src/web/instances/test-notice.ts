import type { InstanceTest } from '../../instances/contract.ts'
import { plural } from '../format.ts'
import type { Notice } from '../notice.ts'

/** The result of a connection test, as a notice. */
export function testNotice(
  name: string,
  { status, detail, cannot }: Pick<InstanceTest, 'status' | 'detail' | 'cannot'>,
): Notice {
  if (status === 'ok') return { kind: 'ok', text: `${name} is reachable and accepts the API key.` }
  if (status === 'limited') {
    return {
      kind: 'wait',
      text: `${name} is reachable and accepts the API key, with ${plural(cannot.length, 'limitation')}.`,
    }
  }
  return { kind: 'fail', text: `${name}: ${detail ?? 'no response'}.` }
}
