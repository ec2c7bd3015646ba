/** @module `flowkeep check`: checks workflow files without a server, and repairs them on request. */
import { writeFile } from 'node:fs/promises'
import { checkWorkflow, fixWorkflow } from '../../check/run.ts'
import { AppError } from '../../errors.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import { inexactNumbers } from '../../lib/json-text.ts'
import { type Finding, findingLevels } from '../../n8n/checks/finding.ts'
import { parseWorkflow } from '../../n8n/reading/workflow-json.ts'
import { workflowsInText } from '../../n8n/reading/workflow-text.ts'
import { type CommandInput, exitCode, printable } from '../command.ts'
import { UsageError } from '../failure.ts'
import { findFiles, readText } from '../files.ts'
import { jsonResult, message, plural, result } from '../terminal.ts'
import { locate } from './locate.ts'
import { sarif } from './sarif.ts'

/** A finding with its place in the file, counted from 1. */
export interface LocatedFinding extends Finding {
  line: number
  column: number
}

export interface CheckedFile {
  file: string
  findings: LocatedFinding[]
  /** Labels of the applied fixes. */
  fixed: string[]
}

const failOn = [...findingLevels, 'never'] as const

/** @returns the exit code */
export async function checkCommand({ positionals, flags, values }: CommandInput): Promise<number> {
  const { 'n8n-version': n8nVersion, 'fail-on': limit = 'error' } = values
  if (n8nVersion !== undefined && !/^\d{1,3}\.\d{1,4}(\.\d{1,4})?$/.test(n8nVersion))
    throw new UsageError('--n8n-version must be a version such as 2.41 or 2.41.1.')
  if (!failOn.some((each) => each === limit))
    throw new UsageError(`--fail-on must be one of ${failOn.join(', ')}.`)
  if (flags.has('json') && flags.has('sarif')) throw new UsageError('Use --json or --sarif, not both.')
  const { files, notFound } = await findFiles(positionals)
  for (const name of notFound) message(`${printable(name)}: no such file or folder`)
  if (files.length === 0) throw new Error('No .json files found.')
  const checked: CheckedFile[] = []
  for (const file of files) checked.push(await checkFile(file, { n8nVersion, fixes: flags.has('fix') }))
  if (flags.has('json')) jsonResult({ files: checked, notFound })
  else if (flags.has('sarif')) jsonResult(sarif(checked))
  else for (const line of checked.flatMap(describe)) result(line)
  message(summaryOf(checked))
  const counted = new Set(findingLevels.slice(0, failOn.findIndex((each) => each === limit) + 1))
  const fails =
    limit !== 'never' && checked.some(({ findings }) => findings.some(({ level }) => counted.has(level)))
  return fails || notFound.length > 0 ? exitCode.failure : exitCode.success
}

interface Options {
  n8nVersion: string | undefined
  fixes: boolean
}

async function checkFile(file: string, options: Options): Promise<CheckedFile> {
  const read = await readText(file)
  if ('fault' in read) return unreadable(file, `The file cannot be checked: ${read.fault}`)
  try {
    const { workflows, source, stripped } = workflowsInText(read.text)
    const parsed = workflows.map(({ value, pointer }) => ({
      workflow: parseWorkflow(value, { pointerPrefix: pointer }).workflow,
      pointer,
    }))
    // Saving would drop the text around the JSON, and digits that JavaScript cannot represent.
    const canSave = stripped.length === 0 && inexactNumbers(source, 1).length === 0
    if (!options.fixes || !canSave) {
      const findings = await checkAll(parsed, options)
      return { file, findings: locate(read.text, source, findings), fixed: [] }
    }
    return await fixFile(file, source, parsed, options)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return unreadable(file, error.message)
  }
}

interface PointedWorkflow {
  workflow: JsonObject
  /** In the file; empty without a wrapper. */
  pointer: string
}

async function checkAll(workflows: PointedWorkflow[], { n8nVersion }: Options): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { workflow, pointer } of workflows) {
    const checked = await checkWorkflow(workflow, { n8nVersion })
    for (const finding of checked.findings) findings.push({ ...finding, pointer: pointer + finding.pointer })
  }
  return findings
}

/** Writes the file only if a fix changes it, with its own indentation. */
async function fixFile(
  file: string,
  source: string,
  workflows: PointedWorkflow[],
  options: Options,
): Promise<CheckedFile> {
  const fixed: string[] = []
  let root: unknown = JSON.parse(source)
  const after: PointedWorkflow[] = []
  for (const { workflow, pointer } of workflows) {
    const repaired = await fixWorkflow(workflow, { n8nVersion: options.n8nVersion })
    for (const { message: text, fix } of repaired.applied) fixed.push(fix?.label ?? text)
    after.push({ workflow: repaired.workflow, pointer })
    root = replaced(root, pointer, repaired.workflow)
  }
  const text = fixed.length === 0 ? source : serialize(root, source)
  if (fixed.length > 0) await writeFile(file, text)
  return { file, findings: locate(text, text, await checkAll(after, options)), fixed }
}

function replaced(root: unknown, pointer: string, value: unknown): unknown {
  if (pointer === '') return value
  const keys = pointer.slice(1).split('/')
  const last = keys.pop() ?? ''
  const parent = keys.reduce<unknown>((at, key) => Reflect.get(at as object, key), root)
  Reflect.set(parent as object, last, value)
  return root
}

const serialize = (value: unknown, before: string): string => {
  const indent = /^\s*[[{]\r?\n([ \t]+)/.exec(before)?.[1]
  return JSON.stringify(value, null, indent) + (before.endsWith('\n') ? '\n' : '')
}

const unreadable = (file: string, text: string): CheckedFile => ({
  file,
  findings: [{ code: 'invalid-workflow', level: 'error', pointer: '', message: text, line: 1, column: 1 }],
  fixed: [],
})

function describe({ file, findings, fixed }: CheckedFile): string[] {
  if (findings.length === 0 && fixed.length === 0) return []
  return [
    printable(file),
    ...fixed.map((label) => `  fixed    ${printable(label)}`),
    ...findings.map(({ level, node, message: text, code, line, column, fix: repair }) => {
      const place = `${line}:${column}`.padStart(8)
      const where = node === undefined ? '' : `${printable(node)}: `
      const hint = repair?.operations ? ' (fixable with --fix)' : ''
      return `${place}  ${level.padEnd(7)}  ${where}${printable(text)}${hint}  [${code}]`
    }),
    '',
  ]
}

function summaryOf(checked: readonly CheckedFile[]): string {
  const all = checked.flatMap(({ findings }) => findings)
  const counts = findingLevels.map((level) =>
    plural(all.filter((finding) => finding.level === level).length, level),
  )
  const fixed = checked.reduce((sum, each) => sum + each.fixed.length, 0)
  return `${plural(checked.length, 'file')} checked: ${counts.join(', ')}${fixed > 0 ? `, ${plural(fixed, 'finding')} fixed` : ''}`
}
