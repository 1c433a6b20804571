// `npm run audit`: checks the dependencies against the advisories and the signatures of the registry.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { helpIfAsked } from '../project/help.ts'

/** The result of an audit. */
export interface Audit {
  text: string
  /** `unavailable`: the registry has no advisories or signatures, or cannot be reached. */
  result: 'passed' | 'failed' | 'unavailable'
}

/** The worst first. */
const RESULTS = ['failed', 'unavailable', 'passed'] as const
/** The folders with a lockfile: the project, the tools for releases, and AWS's runtime client for tests. */
const LOCKED_FOLDERS = ['.', 'infra/tools/release', 'test/nested/aws-runtime', 'test/nested/agents/programs']
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

/** The keys of the registry are at a server of their own, which a mirror does not have. */
const UNREACHABLE =
  /^(?:E(?:NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|NETUNREACH|HOSTUNREACH)|ERR_SOCKET_TIMEOUT)$/
const UNSIGNED = 'from a supported registry'

/**
 * Parses the output of `npm audit signatures --json`, which compares the installed packages with the signatures of the registry.
 *
 * @param printed a report, or an error message
 */
export function readSignatures(printed: string): Audit {
  const { invalid, missing, error } = parse(printed)
  const { code = '', summary = printed.slice(0, 200) || 'npm printed nothing' } = error ?? {}
  if (UNREACHABLE.test(code) || summary.includes(UNSIGNED))
    return { text: `Signatures not verified: ${summary}.`, result: 'unavailable' }
  if (!invalid || !missing) return { text: `The verification of signatures failed: ${summary}`, result: 'failed' }
  const lines = [
    ...invalid.map(({ name, version }) => `  invalid  ${name}@${version}`),
    ...missing.map(({ name, version }) => `  missing  ${name}@${version}`),
  ]
  return {
    text: [`${lines.length} packages without a valid signature.`, ...lines].join('\n'),
    result: lines.length > 0 ? 'failed' : 'passed',
  }
}

function formatVia(via: Vulnerability['via'][number]): string {
  return typeof via === 'string' ? `by ${via}` : [via.title, via.url].filter(Boolean).join(' ')
}

interface Package {
  name: string
  version: string
}

interface Printed {
  statusCode?: unknown
  message?: string
  error?: { code?: string; summary?: string }
  invalid?: Package[]
  missing?: Package[]
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
Verifies the signatures of the installed packages, too.
Includes development dependencies, because a deployment runs them with the credentials of the deployer, and the tools in
infra/tools/release/, because they run before a release. Includes the packages in test/nested/aws-runtime/ and
test/nested/agents/programs/.

Exit code: 0 passed, 1 failed, 2 not audited: the registry has no advisories or no signatures, or cannot be reached.

  --help   print this text`)
  const audits = LOCKED_FOLDERS.flatMap((folder) => {
    const found = auditFolder(folder)
    for (const { text } of found) console.log(`${join(folder, 'package-lock.json')}: ${text}`)
    return found
  })
  const result = RESULTS.find((found) => audits.some((audit) => audit.result === found)) ?? 'passed'
  process.exitCode = EXIT_CODES[result]
}

function auditFolder(folder: string): Audit[] {
  const cwd = join(import.meta.dirname, '../..', folder)
  const advisories = readAudit(npmAudit(cwd, ['--package-lock-only']))
  // Packages that are not installed have no signature to compare.
  if (!existsSync(join(cwd, 'node_modules'))) return [advisories]
  return [advisories, readSignatures(npmAudit(cwd, ['signatures', '--fetch-retries=1']))]
}

function npmAudit(cwd: string, options: string[]): string {
  const { stdout, error } = spawnSync('npm', ['audit', ...options, '--json', '--loglevel=silent'], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (error) throw error
  return stdout
}
