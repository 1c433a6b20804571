// Holds what the bundles are made of against the advisories of the registry: `npm run audit`.
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { helpIfAsked } from './help.ts'

/** What npm says of the dependencies, and whether that is a failure. */
export interface Audit {
  text: string
  failed: boolean
}

/** Graver than these is not shipped. */
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
    return { text: `The registry offers no audits (${message}): nothing was audited.`, failed: false }
  if (!metadata || !vulnerabilities) {
    const why = message ?? error?.summary ?? (printed.slice(0, 200) || 'npm printed nothing')
    return { text: `Nothing could be audited: ${why}`, failed: true }
  }
  const found = Object.values(vulnerabilities)
  const lines = found.map(({ name, severity, via }) => `  ${severity.padEnd(8)} ${name}: ${via.map(told).join('; ')}`)
  const { prod = 0 } = metadata.dependencies
  return {
    text: [`${prod} packages of the bundles, ${found.length} with advisories.`, ...lines].join('\n'),
    failed: found.some(({ severity }) => grave.includes(severity)),
  }
}

function told(via: Vulnerability['via'][number]): string {
  return typeof via === 'string' ? `by ${via}` : [via.title, via.url].filter(Boolean).join(' ')
}

interface Printed {
  statusCode?: unknown
  message?: string
  error?: { summary?: string }
  metadata?: { dependencies: { prod?: number } }
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
  helpIfAsked(`npm run audit: holds what the bundles are made of against the advisories of the registry; fails for ${grave.join(' and ')} ones.

  --help   this text`)
  const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--loglevel=silent'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (error) throw error
  const { text, failed } = readAudit(stdout)
  console.log(text)
  if (failed) process.exitCode = 1
}
