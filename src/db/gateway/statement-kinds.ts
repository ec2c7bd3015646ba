/**
 * @module What the text of a statement says about the connection after it: whether it is worth preparing, and whether session
 * state can remain. Functions of the schema keep none, which `test/db/gateway-plans.test.ts` checks.
 */
import { createHash } from 'node:crypto'

export interface StatementKind {
  /** For a prepared statement; undefined: do not prepare it. The same text has the same name in every process. */
  name: string | undefined
  changesSession: boolean
  /** It prepares or drops prepared statements, so that those of the connection are unknown after it. */
  changesPrepared: boolean
}

/** Texts remembered. The server has a few hundred. */
const maxTexts = 1000
/** Prepared at its second use, because preparing costs more than planning once. */
const usesBeforeName = 2

const isDml = /^\s*(?:select|with|insert|update|delete)\b/i
/** Contained elements and words: how many rows have them, and so the best plan, depends on the value. */
const isSearch = /@>|@@|\blike\b/i
/** The gateway's own. What they leave open is rolled back. */
const isTransactionControl = /^(?:start transaction|commit|rollback)\b/
const isOfPrepared = /\b(?:prepare|deallocate|discard)\b/i
const setsState =
  /\b(?:set_config|nextval|setval|pg_(?:try_)?advisory_lock\w*)\s*\(|\binto\s+(?:local\s+|global\s+)?temp/i

interface Remembered extends StatementKind {
  uses: number
}

/** @returns the kind of a statement, which it counts as used */
export function statementKinds(): (text: string) => StatementKind {
  const texts = new Map<string, Remembered>()
  return (text) => {
    let known = texts.get(text)
    if (!known) {
      const keepsSession = isTransactionControl.test(text) || (isDml.test(text) && !setsState.test(text))
      const changesPrepared = !isDml.test(text) && isOfPrepared.test(text)
      known = { name: undefined, changesSession: !keepsSession, changesPrepared, uses: 0 }
    }
    // The most recently used text is the last.
    texts.delete(text)
    texts.set(text, known)
    if (texts.size > maxTexts) texts.delete(texts.keys().next().value as string)
    known.uses += 1
    if (known.uses === usesBeforeName && !known.changesSession && isDml.test(text) && !isSearch.test(text))
      known.name = `flowkeep_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    return known
  }
}
