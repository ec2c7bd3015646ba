/** Fails when a dependency of the release has a published advisory. Passes with a note if the registry does not answer. */
import { spawnSync } from 'node:child_process'

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--package-lock-only', '--json'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
})
const report = parse(stdout)

if (!report?.vulnerabilities) {
  const reason = report?.message ?? report?.error?.summary ?? stderr.trim().split('\n')[0]
  console.log(`Skipped: the registry did not answer with advisories. ${reason ?? ''}`.trim())
} else {
  const found = Object.values(report.vulnerabilities)
  for (const { name, severity, range, via } of found) {
    const titles = via.map((each) => each.title ?? each).join('; ')
    console.log(`${name} ${range}: ${severity}, ${titles}`)
  }
  console.log(found.length === 0 ? 'No advisories' : `${found.length} packages with advisories`)
  if (found.length > 0) process.exitCode = 1
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
