/** @module `/docs`: the OpenAPI document as one page. Its script adds search and requests; no external resources. */
import type { OpenAPIV3_1 } from 'openapi-types'
import { referenceAssets } from '../lib/assets.generated.ts'

type Operation = OpenAPIV3_1.OperationObject
type Schema = OpenAPIV3_1.SchemaObject & { $ref?: string; const?: unknown }

interface Entry {
  method: string
  path: string
  operation: Operation
}

const methods = ['get', 'post', 'patch', 'put', 'delete'] as const

function entriesByTag(document: OpenAPIV3_1.Document): Map<string, Entry[]> {
  const entries = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method): Entry[] => {
      const operation = item?.[method] as Operation | undefined
      return operation ? [{ method: method.toUpperCase(), path, operation }] : []
    }),
  )
  return Map.groupBy(entries, ({ operation }) => operation.tags?.[0] ?? 'Other')
}

const anchor = ({ method, path }: Entry) => `${method}-${path}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')

const searchText = ({ method, path, operation }: Entry) =>
  [method, path, operation.operationId, operation.summary, operation.description].join(' ')

/** Renders a schema as a TypeScript type. */
function notation(
  schema: Schema | undefined,
  document: OpenAPIV3_1.Document,
  indent = '',
  depth = 0,
): string {
  if (!schema || depth > 8) return 'unknown'
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return notation(document.components?.schemas?.[name], document, indent, depth + 1)
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.map((choice) => notation(choice, document, indent, depth + 1)).join(' | ')
  if (Array.isArray(schema.type)) return schema.type.join(' | ')
  if (schema.type === 'array') {
    const item = notation((schema as { items?: Schema }).items, document, indent, depth + 1)
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`
  }
  if (schema.type === 'object' || schema.properties) {
    const inner = `${indent}  `
    const fields = Object.entries(schema.properties ?? {}).map(
      ([name, property]) =>
        `${inner}${name}${schema.required?.includes(name) ? '' : '?'}: ${notation(property as Schema, document, inner, depth + 1)}`,
    )
    return fields.length > 0 ? `{\n${fields.join('\n')}\n${indent}}` : 'object'
  }
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? 'any JSON')
}

function resolved(
  parameter: OpenAPIV3_1.ParameterObject | OpenAPIV3_1.ReferenceObject,
  { components }: OpenAPIV3_1.Document,
): OpenAPIV3_1.ParameterObject {
  if (!('$ref' in parameter)) return parameter
  return components?.parameters?.[parameter.$ref.split('/').at(-1) ?? ''] as OpenAPIV3_1.ParameterObject
}

type Content = Record<string, { schema?: unknown }> | undefined
const schemaIn = (content: Content) => Object.values(content ?? {})[0]?.schema as Schema | undefined

/** Text with `code` in backticks, in paragraphs. */
function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split('\n\n').map((paragraph) => (
        <p>{inline(paragraph)}</p>
      ))}
    </>
  )
}

const inline = (text: string) =>
  text.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part))

function Body({
  title,
  content,
  document,
}: {
  title: string
  content: Content
  document: OpenAPIV3_1.Document
}) {
  return (
    <>
      <h4>{title}</h4>
      <pre tabindex={0}>{notation(schemaIn(content), document)}</pre>
    </>
  )
}

function OperationSection({ entry, document }: { entry: Entry; document: OpenAPIV3_1.Document }) {
  const { operation } = entry
  const parameters = (operation.parameters ?? []).map((parameter) => resolved(parameter, document))
  const responses = Object.entries(operation.responses ?? {}) as [string, OpenAPIV3_1.ResponseObject][]
  const good = responses.filter(([status]) => status < '400')
  const bad = responses.filter(([status]) => status >= '400')
  return (
    <section id={anchor(entry)} data-search={searchText(entry)}>
      <h3>
        <span class="method">{entry.method}</span> {entry.path}{' '}
        <span class="id">{operation.operationId}</span>
      </h3>
      <p>
        {operation.summary}
        {operation.security?.length === 0 ? ' (no sign-in required)' : ''}
      </p>
      {operation.description && <Prose text={operation.description} />}
      <button type="button" hidden data-method={entry.method} data-path={entry.path}>
        Try it
      </button>
      {parameters.length > 0 && (
        <>
          <h4>Parameters</h4>
          <dl>
            {parameters.map((parameter) => (
              <>
                <dt>
                  <code>{parameter.name}</code>
                </dt>
                <dd>
                  {parameter.in}
                  {parameter.required ? ', required' : ''}, {notation(parameter.schema as Schema, document)}
                  {parameter.description && <>. {inline(parameter.description)}</>}
                </dd>
              </>
            ))}
          </dl>
        </>
      )}
      {operation.requestBody && (
        <Body
          title="Body"
          content={(operation.requestBody as OpenAPIV3_1.RequestBodyObject).content}
          document={document}
        />
      )}
      {good.map(([status, response]) =>
        response.content ? (
          <Body title={`Response ${status}`} content={response.content} document={document} />
        ) : (
          <h4>Response {status}, no body</h4>
        ),
      )}
      {bad.length > 0 && (
        <details>
          <summary>Errors</summary>
          <dl>
            {bad.map(([status, response]) => (
              <>
                <dt>{status}</dt>
                <dd>{inline(response.description)}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </section>
  )
}

export function Reference({ document }: { document: OpenAPIV3_1.Document }) {
  const byTag = entriesByTag(document)
  const tags = new Map(document.tags?.map(({ name, description }) => [name, description]))
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{document.info.title}</title>
        <link rel="stylesheet" href={referenceAssets.style.path} />
        <script src={referenceAssets.script.path} defer></script>
      </head>
      <body>
        <nav aria-label="Operations">
          <input id="search" type="search" hidden placeholder="Search (/)" aria-label="Search operations" />
          {[...byTag].map(([tag, entries]) => (
            <div data-group>
              <strong>{tag}</strong>
              <ul>
                {entries.map((entry) => (
                  <li>
                    <a href={`#${anchor(entry)}`}>
                      {entry.method} {entry.path}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <main>
          <h1>{document.info.title}</h1>
          <Prose text={document.info.description ?? ''} />
          <p>
            OpenAPI document: <a href="/openapi.json">/openapi.json</a>. Concepts, operation, errors:{' '}
            <a href="/docs/guide">guide</a>
          </p>
          <p id="no-match" role="status" hidden>
            No matching operations.
          </p>
          {[...byTag].map(([tag, entries]) => (
            <div data-group>
              <h2>{tag}</h2>
              <p>{tags.get(tag)}</p>
              {entries.map((entry) => (
                <OperationSection entry={entry} document={document} />
              ))}
            </div>
          ))}
        </main>
      </body>
    </html>
  )
}
