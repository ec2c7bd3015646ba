/** @module Model prices: a form for the user's own, and the list with the defaults. */
import type { ModelPrices } from '../../analytics/price-contract.ts'
import { Card, Grid } from '../components/card.tsx'
import { Action, Button, withQuery } from '../components/controls.tsx'
import { Form, FormError, TextField } from '../components/form.tsx'
import { Table, Td, Tr } from '../components/table.tsx'
import type { FormState } from '../form-data.ts'
import { PageHead } from '../layout/page.tsx'
import { priceText } from './view.tsx'

export const priceFields = [
  { name: 'model', label: 'Model', hint: 'An exact name, or a prefix followed by *' },
  { name: 'inputPerMillion', label: 'Input (USD per million tokens)' },
  { name: 'outputPerMillion', label: 'Output (USD per million tokens)' },
  { name: 'cachedInputPerMillion', label: 'Cached input', hint: 'Empty: the input price' },
  { name: 'cacheWriteInputPerMillion', label: 'Cache write', hint: 'Empty: the input price' },
] as const

const columns = [
  { label: 'Model' },
  { label: 'Input', numeric: true },
  { label: 'Output', numeric: true },
  { label: 'Cached input', numeric: true },
  { label: 'Cache write', numeric: true },
  { label: 'Source' },
  { label: 'Delete', hidden: true },
]

type Price = ModelPrices['items'][number]

const editHref = (price: Price): string =>
  withQuery(
    '/models/prices',
    Object.fromEntries(
      priceFields.flatMap(({ name }) => (price[name] === null ? [] : [[name, String(price[name])]])),
    ),
  )

export const PricesView = ({ prices, values, errors }: FormState & { prices: ModelPrices }) => (
  <>
    <PageHead title="Model prices" />
    <Grid>
      <Card span={4} title="Set a price">
        <Form action="/models/prices">
          {priceFields.map(({ name, ...field }) => (
            <TextField
              name={name}
              value={values[name] ?? ''}
              error={errors[name]}
              required={!name.startsWith('cache')}
              {...(name !== 'model' && { inputmode: 'decimal' as const })}
              {...field}
            />
          ))}
          <FormError>{errors['']}</FormError>
          <div class="actions">
            <Button kind="primary">Save</Button>
          </div>
        </Form>
      </Card>
      <Card
        span={8}
        title="Prices"
        note={`US dollars per million tokens; defaults are list prices as of ${prices.defaultsAsOf}`}
        flush
      >
        <Table caption="Model prices" columns={columns} compact>
          {prices.items.map((price) => (
            <Tr>
              <Td>
                <a class="link" href={editHref(price)}>
                  {price.model}
                </a>
              </Td>
              <Td numeric phone="end">
                {priceText(price.inputPerMillion)}
              </Td>
              <Td numeric phone="hide">
                {priceText(price.outputPerMillion)}
              </Td>
              <Td numeric phone="hide">
                {priceText(price.cachedInputPerMillion)}
              </Td>
              <Td numeric phone="hide">
                {priceText(price.cacheWriteInputPerMillion)}
              </Td>
              <Td phone="hide">{price.source === 'own' ? 'Yours' : 'Default'}</Td>
              <Td phone="line">
                {price.source === 'own' && (
                  <Action
                    action="/models/prices/delete"
                    fields={{ model: price.model }}
                    confirm={`Delete your price for ${price.model}?`}
                    icon="trash"
                    small
                  >
                    Delete
                  </Action>
                )}
              </Td>
            </Tr>
          ))}
        </Table>
      </Card>
    </Grid>
  </>
)
