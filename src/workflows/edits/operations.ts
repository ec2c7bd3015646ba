/** @module The operations of an edit: their HTTP shapes. */
import * as z from 'zod'
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { text } from '../../lib/scalars.ts'

export const maxOperations = 200

const Node = text(1000).meta({ description: 'Name of the node, or its ID' })
const NewName = text(500).meta({ description: 'A name that no other node has' })
const Position = z
  .tuple([z.number().min(-1e6).max(1e6), z.number().min(-1e6).max(1e6)])
  .meta({ description: 'x and y on the canvas', examples: [[440, 0]] })

const Json = z.custom<JsonObject>(isObject, 'Must be a JSON object')
const asObject = { type: 'object', additionalProperties: true } as const

const index = z.int().min(0).max(255).optional()
const link = {
  from: Node.meta({ description: 'The node with the output: its name or ID' }),
  to: Node.meta({ description: 'The node with the input: its name or ID' }),
}
const connectionType = text(100).optional()

/** Properties of a node that n8n shows under Settings, and its version. */
export const nodeProperties = [
  'typeVersion',
  'onError',
  'retryOnFail',
  'maxTries',
  'waitBetweenTries',
  'alwaysOutputData',
  'executeOnce',
  'continueOnFail',
  'notes',
  'notesInFlow',
  'webhookId',
] as const

const Pointer = z
  .string()
  .max(1000, 'At most 1,000 characters')
  .regex(/^(?:\/(?:[^~]|~[01])*)?$/, 'Must be a JSON pointer, such as /options/timeout')

const onNode = <Op extends string>(op: Op) => ({ op: z.literal(op), node: Node })
const example = (value: JsonObject, description: string) => ({ description, 'x-example': value })

export const EditOperation = z
  .discriminatedUnion(
    'op',
    [
      z
        .strictObject({
          op: z.literal('addNode'),
          node: Json.meta({
            ...asObject,
            description:
              'The node, in the JSON format of n8n. `name` and `type` are required. Without `typeVersion` it gets the newest ' +
              'version, without `position` a place to the right of the node that leads to it',
            examples: [{ name: 'Notify', type: 'n8n-nodes-base.slack', parameters: { text: 'Hello' } }],
          }),
        })
        .meta(
          example(
            { op: 'addNode', node: { name: 'Notify', type: 'n8n-nodes-base.slack', parameters: {} } },
            'Adds a node. A sticky note is a node of type `n8n-nodes-base.stickyNote`',
          ),
        ),
      z
        .strictObject({
          ...onNode('removeNode'),
          reconnect: z
            .boolean()
            .optional()
            .meta({ description: 'Connect the nodes before it to the nodes after its first output' }),
        })
        .meta(
          example(
            { op: 'removeNode', node: 'Wait', reconnect: true },
            'Removes a node with its connections and pinned data',
          ),
        ),
      z
        .strictObject({
          ...onNode('replaceNode'),
          with: Json.meta({
            ...asObject,
            description:
              'The new node, in the JSON format of n8n. `type` is required. A `name` renames the node',
            examples: [
              {
                type: 'n8n-nodes-base.gmail',
                parameters: { operation: 'send' },
              },
            ],
          }),
        })
        .meta(
          example(
            { op: 'replaceNode', node: 'Notify', with: { type: 'n8n-nodes-base.gmail', parameters: {} } },
            'Replaces a node. It keeps its name, ID, position and connections, and nothing else',
          ),
        ),
      z
        .strictObject({ ...onNode('renameNode'), name: NewName })
        .meta(
          example(
            { op: 'renameNode', node: 'HTTP Request', name: 'Get orders' },
            'Renames a node, and updates everything that refers to it: connections, pinned data, expressions and code',
          ),
        ),
      z
        .strictObject({ ...onNode('moveNode'), position: Position })
        .meta(example({ op: 'moveNode', node: 'Notify', position: [440, 0] }, 'Moves a node on the canvas')),
      z
        .strictObject(onNode('enableNode'))
        .meta(example({ op: 'enableNode', node: 'Notify' }, 'Enables a disabled node')),
      z
        .strictObject(onNode('disableNode'))
        .meta(example({ op: 'disableNode', node: 'Notify' }, 'Disables a node: n8n passes its input on')),
      z
        .strictObject({
          ...onNode('setParameter'),
          pointer: Pointer.meta({
            description:
              'JSON pointer (RFC 6901) into the parameters. Missing objects are created. In a list, `-` appends ' +
              'and a number replaces. Empty: all parameters',
          }),
          value: z
            .custom<unknown>((value) => value !== undefined, 'Required. null removes the parameter')
            .meta({ description: 'Any JSON value; null removes the parameter or the item' }),
        })
        .meta(
          example(
            { op: 'setParameter', node: 'Get orders', pointer: '/options/timeout', value: 5000 },
            'Sets or removes one parameter',
          ),
        ),
      z
        .strictObject({
          ...onNode('replaceText'),
          pointer: Pointer.meta({ description: 'JSON pointer (RFC 6901) to a text in the parameters' }),
          find: z.string().min(1, 'Must not be empty').max(100_000),
          replace: z.string().max(1_000_000),
          all: z.boolean().optional().meta({
            description: 'Replace every occurrence. Otherwise `find` must occur exactly once',
          }),
        })
        .meta(
          example(
            { op: 'replaceText', node: 'Code', pointer: '/jsCode', find: 'total * 2', replace: 'total * 3' },
            'Replaces a part of a long text, such as code or a prompt',
          ),
        ),
      z
        .strictObject({
          ...onNode('setNodeProperty'),
          property: z.enum(nodeProperties),
          value: z
            .union([z.string().max(10_000), z.number(), z.boolean(), z.null()])
            .meta({ description: 'null removes the property' }),
        })
        .meta(
          example(
            { op: 'setNodeProperty', node: 'Get orders', property: 'retryOnFail', value: true },
            'Sets or removes a property of the node itself, such as its error handling or version',
          ),
        ),
      z
        .strictObject({
          ...onNode('setCredential'),
          type: text(200).meta({ description: 'Credential type', examples: ['slackApi'] }),
          credential: z
            .strictObject({ name: text(500), id: text(200).optional() })
            .nullable()
            .meta({ description: 'The credential as n8n names it; null removes it' }),
        })
        .meta(
          example(
            { op: 'setCredential', node: 'Notify', type: 'slackApi', credential: { name: 'Team bot' } },
            'Sets or removes the credential of one type. Deployments match it by name',
          ),
        ),
      z
        .strictObject({
          op: z.literal('connect'),
          ...link,
          type: connectionType.meta({ description: 'Default `main`; `ai_tool` and others for sub-nodes' }),
          output: index.meta({ description: 'Default 0' }),
          input: index.meta({ description: 'Default 0' }),
        })
        .meta(
          example(
            { op: 'connect', from: 'If', to: 'Notify', output: 1 },
            'Connects an output to an input. A sub-node, such as a model, is `from`; its agent is `to`',
          ),
        ),
      z
        .strictObject({
          op: z.literal('disconnect'),
          ...link,
          type: connectionType.meta({ description: 'Default: every type' }),
          output: index.meta({ description: 'Default: every output' }),
          input: index.meta({ description: 'Default: every input' }),
        })
        .meta(
          example(
            { op: 'disconnect', from: 'If', to: 'Notify' },
            'Removes the connections between two nodes, in this direction',
          ),
        ),
      z
        .strictObject({
          ...onNode('setPinData'),
          items: z
            .array(Json.meta({ ...asObject, description: 'One item', examples: [{ json: { id: 1 } }] }))
            .max(10_000)
            .nullable()
            .meta({ description: 'The items, such as `{ "json": { … } }`; null unpins' }),
        })
        .meta(
          example(
            { op: 'setPinData', node: 'Get orders', items: [{ json: { id: 1 } }] },
            'Pins the output of a node for test runs, or unpins it',
          ),
        ),
      z
        .strictObject({
          op: z.literal('setSettings'),
          settings: Json.meta({
            ...asObject,
            description: 'The settings to change; null removes one',
            examples: [{ timezone: 'Europe/Berlin' }],
          }),
        })
        .meta(
          example(
            { op: 'setSettings', settings: { timezone: 'Europe/Berlin' } },
            'Changes settings of the workflow. Other settings do not change',
          ),
        ),
      z
        .strictObject({ op: z.literal('setName'), name: z.string().trim().min(1).max(200) })
        .meta(example({ op: 'setName', name: 'Notify Slack' }, 'Renames the workflow')),
    ],
    { error: (): string => `Unknown op. Use one of ${operationNames.join(', ')}` },
  )
  .meta({ ref: 'EditOperation' })
export type EditOperation = z.output<typeof EditOperation>

export const operationNames: readonly string[] = EditOperation.options.map(({ shape }) => shape.op.value)
