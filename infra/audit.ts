// `npm run audit`: checks the dependencies against the advisories of the registry.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { helpIfAsked } from './help.ts'

/** The result of an audit. */
export interface Audit {
  text: string
  /** `unavailable`: the registry has no advisories. */
  result: 'passed' | 'failed' | 'unavailable'
}

/** The worst first. */
const RESULTS = ['failed', 'unavailable', 'passed'] as const
/** The folders with a lockfile: the project and the tools for releases. */
const LOCKED_FOLDERS = ['.', 'infra/release']
const EXIT_CODES = { passed: 0, failed: 1, unavailable: 2 } satisfies Record<Audit['result'], number>

/** Advisories of these severities fail the audit. */
const FAILING_SEVERITIES = ['high', 'critical']
/** Statuses of a registry without advisories. */
const UNSUPPORTED = [404, 405, 501]

interface Vulnerability {
  name: string
  severity: string
  via: (string | { title?: string; url?: string })[]
}

/**
 * Parses the output of `npm audit --json`.
 *
 * @param printed a report, or an error message
 */
export function readAudit(printed: string): Audit {
  const { statusCode, message, error, metadata, vulnerabilities } = parse(printed)
  if (typeof statusCode === 'number' && UNSUPPORTED.includes(statusCode))
    return { text: `Not audited: the registry has no advisories (${message}).`, result: 'unavailable' }
  if (!metadata || !vulnerabilities) {
    const why = message ?? error?.summary ?? (printed.slice(0, 200) || 'npm printed nothing')
    return { text: `The audit failed: ${why}`, result: 'failed' }
  }
  const found = Object.values(vulnerabilities)
  const lines = found.map(
    ({ name, severity, via }) => `  ${severity.padEnd(8)} ${name}: ${via.map(formatVia).join('; ')}`,
  )
  const { total = 0 } = metadata.dependencies
  return {
    text: [`${total} packages, ${found.length} with advisories.`, ...lines].join('\n'),
    result: found.some(({ severity }) => FAILING_SEVERITIES.includes(severity)) ? 'failed' : 'passed',
  }
}

function formatVia(via: Vulnerability['via'][number]): string {
  return typeof via === 'string' ? `by ${via}` : [via.title, via.url].filter(Boolean).join(' ')
}

interface Printed {
  statusCode?: unknown
  message?: string
  error?: { summary?: string }
  metadata?: { dependencies: { total?: number } }
  vulnerabilities?: Record<string, Vulnerability>
}

function parse(printed: string): Printed {
  try {
    return JSON.parse(printed)
  } catch {
    // An error message instead of JSON.
    return {}
  }
}

if (import.meta.filename === process.argv[1]) {
  helpIfAsked(`npm run audit: checks the dependencies against the advisories of the registry; fails for severity ${FAILING_SEVERITIES.join(' and ')}.
Includes development dependencies, because a deployment runs them with the credentials of the deployer, and the tools in
infra/release/, because they run before a release.

Exit code: 0 passed, 1 failed, 2 not audited: the registry has no advisories.

  --help   print this text`)
  const audits = LOCKED_FOLDERS.map((folder) => {
    const audit = auditFolder(folder)
    console.log(`${join(folder, 'package-lock.json')}: ${audit.text}`)
    return audit
  })
  const result = RESULTS.find((found) => audits.some((audit) => audit.result === found)) ?? 'passed'
  process.exitCode = EXIT_CODES[result]
}

function auditFolder(folder: string): Audit {
  const { stdout, error } = spawnSync('npm', ['audit', '--package-lock-only', '--json', '--loglevel=silent'], {
    cwd: join(import.meta.dirname, '..', folder),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (error) throw error
  return readAudit(stdout)
}
