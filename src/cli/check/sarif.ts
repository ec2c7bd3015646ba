/** @module Findings as SARIF 2.1.0, which code hosts show beside the changed lines. */
import type { Finding } from '../../n8n/checks/finding.ts'
import { packageVersion } from '../package-root.ts'
import type { CheckedFile } from './command.ts'

const levels: Record<Finding['level'], string> = { error: 'error', warning: 'warning', hint: 'note' }

export function sarif(files: readonly CheckedFile[]): object {
  const codes = [...new Set(files.flatMap(({ findings }) => findings.map(({ code }) => code)))].toSorted()
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Flowkeep', version: packageVersion(), rules: codes.map((id) => ({ id })) },
        },
        results: files.flatMap(({ file, findings }) =>
          findings.map(({ code, level, node, message, line, column }) => ({
            ruleId: code,
            ruleIndex: codes.indexOf(code),
            level: levels[level],
            message: { text: node === undefined ? message : `${node}: ${message}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: uriOf(file) },
                  region: { startLine: line, startColumn: column },
                },
              },
            ],
          })),
        ),
      },
    ],
  }
}

/** A relative reference, with the separators and the escapes of a URI. */
const uriOf = (file: string): string =>
  file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/')
