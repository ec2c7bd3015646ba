/** What the repository takes from others: actions, packages, their licences and their install scripts. */

import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`)
const actionFiles = [...workflows, 'action.yml']

/** Every line that uses an action of another repository, without a full commit hash and a version. */
const unpinned = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^\s*(- )?["']?uses["']?\s*:/.test(line))
    .filter((line) => !/uses:\s*\.\//.test(line))
    .filter((line) => !/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$/.test(line))

describe('actions', () => {
  test.each(actionFiles)('%s pins each action to a commit, with its version', (path) => {
    const text = read(path)
    expect(unpinned(text)).toEqual([])
    // No step hides from the search by lines.
    expect((JSON.stringify(parse(text)).match(/"uses":/g) ?? []).length).toBe(
      (text.match(/^\s*(- )?uses: /gm) ?? []).length,
    )
  })

  test.each([
    '- uses: actions/checkout@v5',
    '- uses: actions/checkout@main',
    '- uses: actions/checkout@fbc6f39 # v5.1.0',
    '- uses: actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09',
    '  uses: actions/checkout',
    '- uses: docker://alpine:3',
    `- "uses": actions/checkout@v5`,
  ])('finds %s', (line) => expect(unpinned(line)).toEqual([line]))

  test.each(workflows)('%s has the least permissions by default', (path) => {
    expect(parse(read(path))).toMatchObject({ permissions: { contents: 'read' } })
  })
})

test('no installation runs install scripts', () => {
  const files = [...actionFiles, '.ci/run', 'Dockerfile']
  const lines = files.flatMap((path) =>
    read(path)
      .split('\n')
      .filter((line) => /\bnpm (ci|install|i|publish|pack)\b/.test(line)),
  )
  expect(lines.length).toBeGreaterThan(5)
  expect(lines.filter((line) => !line.includes('--ignore-scripts'))).toEqual([])
})

test('a release has an SBOM, and npm provenance from its own identity', () => {
  const { release } = parse(read('.github/workflows/release.yml')).jobs
  expect(release.permissions).toMatchObject({ 'id-token': 'write', attestations: 'write' })
  const runs = release.steps.map(({ run = '' }: { run?: string }) => run).join('\n')
  expect(runs).toMatch(/npm run --silent sbom > \S+\.cdx\.json/)
  expect(runs).toMatch(/gh release create .*\.cdx\.json/)
  expect(runs).toMatch(/npm publish .*--provenance/)
})

interface Locked {
  version: string
  license?: string
  link?: boolean
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
}
const locked = Object.entries(
  (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages,
).filter(([path, { link }]) => path.includes('node_modules/') && !link)
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** Permissive licences. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
])

/** Development only: not part of a release. */
const exceptions: [name: RegExp, licence: RegExp, reason: string][] = [
  [/^axe-core$/, /^MPL-2\.0$/, 'checks accessibility in the browser tests'],
  [/^lightningcss(-[\w-]+)?$/, /^MPL-2\.0$/, 'part of vite, which vitest uses'],
  [
    /^@img\/sharp-/,
    /LGPL-3\.0-or-later/,
    'native images of sharp, an optional part of miniflare, which wrangler uses',
  ],
  [
    /^@fontsource-variable\/inter$/,
    /^OFL-1\.1$/,
    'the font, which the assets contain; its licence permits bundling',
  ],
]

/** SPDX expressions without parentheses inside. */
const isAllowed = (licence: string) => {
  const inner = licence.replace(/^\((.*)\)$/, '$1')
  return inner.includes(' OR ')
    ? inner.split(' OR ').some((each) => allowed.has(each))
    : inner.split(' AND ').every((each) => allowed.has(each))
}

describe('licences', () => {
  const others = locked.filter(([, { license = '' }]) => !isAllowed(license))

  test('are permissive, except those of listed development tools', () => {
    const unknown = others.filter(
      ([path, { license = '', dev }]) =>
        !dev || !exceptions.some(([name, licence]) => name.test(nameOf(path)) && licence.test(license)),
    )
    expect(unknown.map(([path, { version, license }]) => `${path} ${version} ${license}`)).toEqual([])
  })

  test('every exception is used', () => {
    const unused = exceptions.filter(([name]) => !others.some(([path]) => name.test(nameOf(path))))
    expect(unused).toEqual([])
  })

  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['MIT AND LGPL-3.0-or-later', false],
    ['GPL-3.0-only', false],
    ['UNLICENSED', false],
    ['', false],
  ])('%s: %s', (licence, expected) => expect(isAllowed(licence)).toBe(expected))
})

test('the SBOM lists the packages of a release with their licences, and marks development tools as optional', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  const { stdout } = spawnSync('npm', ['run', '--silent', 'sbom'], {
    cwd: root,
    encoding: 'utf8',
    shell: true,
  })
  const sbom = JSON.parse(stdout) as {
    bomFormat: string
    specVersion: string
    metadata: { component: { version: string; type: string } }
    components: { name: string; version: string; purl: string; scope: string; licenses?: unknown[] }[]
  }
  expect(sbom).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: { component: { version, type: 'application' } },
  })
  const listed = new Set(
    sbom.components
      .flatMap(({ purl, scope }) => (scope === 'required' ? [purl] : []))
      .map((purl) => decodeURIComponent(purl.replace(/^pkg:npm\//, ''))),
  )
  const shipped = locked.filter(([, { dev, optional, devOptional }]) => !dev && !optional && !devOptional)
  expect(shipped.length).toBeGreaterThan(20)
  expect(
    shipped
      .map(([path, each]) => `${nameOf(path)}@${each.version}`)
      .filter((each) => !listed.has(each) && !listed.has(`@${each.slice(1)}`)),
  ).toEqual([])
  expect([...listed].filter((each) => /^(vitest|wrangler|playwright-core|axe-core)@/.test(each))).toEqual([])
})

describe.skipIf(process.platform === 'win32')('the advisory check', () => {
  /** Runs it with an `npm` that prints this. */
  const check = (output: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'advisories-'))
    writeFileSync(join(folder, 'output'), output)
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat ${folder}/output\nexit 1\n`)
    chmodSync(join(folder, 'npm'), 0o755)
    return spawnSync(process.execPath, [join(root, 'scripts/advisories.js')], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` },
    })
  }

  test('fails and names the package', () => {
    const via = [{ title: 'Prototype pollution' }, 'other']
    const { status, stdout } = check(
      JSON.stringify({ vulnerabilities: { a: { name: 'a', severity: 'high', range: '<2.0.0', via } } }),
    )
    expect(status).toBe(1)
    expect(stdout).toContain('a <2.0.0: high, Prototype pollution; other')
  })

  test.each([
    ['no advisories', '{"vulnerabilities":{}}', 'No advisories'],
    [
      'an error of the registry',
      '{"message":"request failed, reason: 503"}',
      'Skipped: the registry did not',
    ],
    ['no answer', '', 'Skipped: the registry did not'],
    ['a page of a proxy', '<html>', 'Skipped: the registry did not'],
  ])('passes: %s', (_, output, words) => {
    const { status, stdout } = check(output)
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining(words) })
  })
})
