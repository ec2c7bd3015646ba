/** @module Model prices: a user's own, and the default list prices that they replace. */
import { sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../db/audit.ts'
import { type Db, idempotent } from '../db/client.ts'
import type { ModelPrices, NewModelPrices } from './price-contract.ts'

/** The date of the list prices in `default_model_prices`. */
const defaultsAsOf = '2025-10-01'

interface Row extends Record<string, unknown> {
  model: string
  input: number
  output: number
  cached: number | null
  written: number | null
  is_own: boolean
}

export class ModelPriceRepository {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** By name. A default that the user has replaced is left out. */
  async list(userId: string): Promise<ModelPrices> {
    const { rows } = await this.#db.read.execute<Row>(sql`
      select distinct on (lower(model)) model, input, output, cached, written, is_own from (
        select model, input, output, cached, written, true as is_own from model_prices where user_id = ${userId}
        union all
        select *, false from default_model_prices()
      ) p
      order by lower(model), is_own desc`)
    return { currency: 'USD', defaultsAsOf, items: rows.map(toPrice) }
  }

  /** Replaces the user's own prices. A price that equals the default is not stored, so that it follows later defaults. */
  async replace(userId: string, { items }: NewModelPrices): Promise<ModelPrices> {
    const given = items.map((item) => ({
      model: item.model,
      input: item.inputPerMillion,
      output: item.outputPerMillion,
      cached: item.cachedInputPerMillion ?? null,
      written: item.cacheWriteInputPerMillion ?? null,
    }))
    await idempotent(this.#db).execute(sql`
      with given as materialized (
        select g.* from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
          g (model text, input float8, output float8, cached float8, written float8)
        where not exists (
          select from default_model_prices() d
          where lower(d.model) = lower(g.model)
            and (d.input, d.output, d.cached, d.written) is not distinct from (g.input, g.output, g.cached, g.written))
      ),
      removed as (
        delete from model_prices where user_id = ${userId} and model not in (select model from given) returning model
      ),
      saved as (
        insert into model_prices as kept (user_id, model, input, output, cached, written)
        select ${userId}::uuid, model, input, output, cached, written from given order by model
        on conflict on constraint model_prices_pkey do update set input = excluded.input, output = excluded.output,
          cached = excluded.cached, written = excluded.written
        where (kept.input, kept.output, kept.cached, kept.written)
          is distinct from (excluded.input, excluded.output, excluded.cached, excluded.written)
        returning model
      )
      insert into audit_events (id, user_id, action, details, ${actorColumns})
      select ${uuidv7()}::uuid, ${userId}::uuid, 'model-prices.updated', jsonb_build_object('models', changed.models),
        ${actorValues()}
      from (
        select jsonb_agg(model order by model) as models
        from (select model from removed union select model from saved) m
      ) changed
      where changed.models is not null`)
    return this.list(userId)
  }
}

const toPrice = (row: Row): ModelPrices['items'][number] => ({
  model: row.model,
  inputPerMillion: row.input,
  outputPerMillion: row.output,
  cachedInputPerMillion: row.cached,
  cacheWriteInputPerMillion: row.written,
  source: row.is_own ? 'own' : 'default',
})
