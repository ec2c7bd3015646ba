/** @module The checksum of a table from its lines. `contentOf` computes the same in the database. */
import { createHash } from 'node:crypto'
import type { TableContent } from '../../db/backup/catalog.ts'

export class TableHash {
  #rows = 0
  #sum = 0n

  add(line: string): void {
    this.#rows += 1
    this.#sum += createHash('sha256').update(line).digest().readBigInt64BE(0)
  }

  get content(): TableContent {
    return { rows: this.#rows, checksum: String(this.#sum) }
  }
}
