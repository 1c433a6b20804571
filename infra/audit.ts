// Checks the dependencies against the advisories of the registry: `npm run audit`.
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { helpIfAsked } from './help.ts'

/** What npm says of the dependencies. */
export interface Audit {
  text: string
  /** `unavailable`: the registry offers no audits, so nothing is known. */
  result: 'passed' | 'failed' | 'unavailable'
}

const EXIT_CODES = { passed: 0, failed: 1, unavailable: 2 } satisfies Record<Audit['result'], number>

/** Advisories of these severities fail the audit. */
const grave = ['high', 'critical']
/** What a registry answers that has no audits. */
const notOffered = [404, 405, 501]

interface Vulnerability {
  name: string
  severity: string
  via: (string | { title?: string; url?: string })[]
}

/**
 * Reads what `npm audit --json` has printed.
 *
 * @param printed a report; or, where there is none, what went wrong
 */
export function readAudit(printed: string): Audit {
  const { statusCode, message, error, metadata, vulnerabilities } = parse(printed)
  if (typeof statusCode === 'number' && notOffered.includes(statusCode))
    return { text: `Not audited: the registry offers no audits (${message}).`, result: 'unavailable' }
  if (!metadata || !vulnerabilities) {
    const why = message ?? error?.summary ?? (printed.slice(0, 200) || 'npm printed nothing')
    return { text: `The audit failed: ${why}`, result: 'failed' }
  }
  const found = Object.values(vulnerabilities)
  const lines = found.map(({ name, severity, via }) => `  ${severity.padEnd(8)} ${name}: ${via.map(told).join('; ')}`)
  const { total = 0 } = metadata.dependencies
  return {
    text: [`${total} packages, ${found.length} with advisories.`, ...lines].join('\n'),
    result: found.some(({ severity }) => grave.includes(severity)) ? 'failed' : 'passed',
  }
}

function told(via: Vulnerability['via'][number]): string {
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
    // Its own words, which are then told as they are.
    return {}
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  helpIfAsked(`npm run audit: checks the dependencies against the advisories of the registry; fails for ${grave.join(' and ')} ones.
What deploys runs with the credentials of the deployer, so dependencies for development count too.

Exit code: 0 passed, 1 failed, 2 not audited, because the registry offers no audits.

  --help   this text`)
  const { stdout, error } = spawnSync('npm', ['audit', '--json', '--loglevel=silent'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (error) throw error
  const { text, result } = readAudit(stdout)
  console.log(text)
  process.exitCode = EXIT_CODES[result]
}
