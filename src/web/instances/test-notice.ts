import type { InstanceTest } from '../../instances/contract.ts'
import { plural } from '../format.ts'
import type { Notice } from '../notice.ts'

/** What a test found, in a sentence. */
export function testNotice(
  name: string,
  { status, detail, cannot }: Pick<InstanceTest, 'status' | 'detail' | 'cannot'>,
): Notice {
  if (status === 'ok')
    return { kind: 'ok', text: `${name} answers and takes the API key. Nothing is missing.` }
  if (status === 'limited') {
    return {
      kind: 'wait',
      text: `${name} answers and takes the API key. ${plural(cannot.length, 'thing')} it cannot do.`,
    }
  }
  return { kind: 'fail', text: `${name}: ${detail ?? 'no answer'}.` }
}
