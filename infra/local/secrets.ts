import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { settings } from '../../shared/settings.ts'
import { tokenHash } from '../project/token-hash.ts'
import { engineKeyOf } from '../sandbox/engines/place.ts'
import { engineSecrets } from '../sandbox/engines/secrets.ts'
import { sandboxConnections, sandboxDefaults } from '../sandbox/platforms/sandbox/connections.ts'
import { demo } from '../sandbox/platforms/sandbox/demo.ts'
import { sandboxSourceSecrets } from '../sandbox/platforms/sandbox/notifications/sources.ts'
import { demoCredentials, type LocalCredentials, plainTokenOf } from './credentials.ts'
import type { GeneratedKeys } from './generated-keys.ts'

/** Matches a URL below the sandbox of a runtime, up to its path. With TLS, a URL leads to a proxy before it. */
const SANDBOX_URL = /http:\/\/(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?\/sandbox\//g

/** The secrets of the local runtime by name, as text. */
export interface LocalSecrets {
  get(name: string): string | undefined
  names(): string[]
  /** Changes whenever a secret changes. */
  version(): string
}

export interface LocalSecretsOptions {
  /** Whether the file may be missing. It is read as soon as it exists. */
  optional?: boolean
  /** The keys that the runtime has generated. Each is a secret. */
  keys?: GeneratedKeys
  /** Returns the credentials of the caller and for approvals. They must be private if a real platform is connected. */
  credentials?: (hasRealPlatform: boolean) => LocalCredentials
}

/**
 * Returns the default secrets of the sandbox, overridden by a file. The file is read at each access, so that secrets can change
 * while the runtime runs.
 *
 * @param url of the runtime
 * @param file JSON object: secret name -> value (an object or its JSON text)
 * @throws Error if the file cannot be read or is invalid. A later invalid edit is ignored
 */
export function localSecrets(
  url: string,
  file?: string,
  { optional = false, keys, credentials = () => demoCredentials }: LocalSecretsOptions = {},
): LocalSecrets {
  const generated = Object.fromEntries(
    Object.entries(keys ?? {}).flatMap(([name, key]) =>
      key === undefined ? [] : [[`${settings.secretPrefix}/${name}`, { key }]],
    ),
  )
  const fileExists = () => file !== undefined && (!optional || existsSync(file))
  let overrides = file && fileExists() ? readSecretsFile(file, url) : {}
  /** Everything that the secrets depend on. */
  const inputs = () => {
    if (!fileExists()) overrides = {}
    else if (file) {
      try {
        overrides = readSecretsFile(file, url)
      } catch (error) {
        // An editor may have written only a part. The next access reads it again.
        console.error((error as Error).message)
      }
    }
    return { overrides, current: credentials(hasRealPlatform(overrides)) }
  }
  const versionOf = (value: ReturnType<typeof inputs>) =>
    createHash('sha256').update(JSON.stringify(value)).digest('hex')
  let known: { version: string; secrets: Record<string, unknown> } | undefined
  const all = (): Record<string, unknown> => {
    const { overrides, current } = inputs()
    const version = versionOf({ overrides, current })
    if (known?.version === version) return known.secrets
    const merged: Record<string, unknown> = {
      ...sandboxSecrets(url, current),
      ...generated,
      ...overrides,
    }
    const callers = `${settings.secretPrefix}/callers`
    merged[callers] = withOwnTokens(textOf(merged[callers]), url, current)
    known = { version, secrets: merged }
    return merged
  }
  return {
    get(name) {
      const value = all()[name]
      return value === undefined ? undefined : textOf(value)
    },
    names: () => Object.keys(all()),
    version: () => versionOf(inputs()),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Returns whether a connection or an orchestrator leads to another platform than the sandbox. */
function hasRealPlatform(overrides: Record<string, unknown>): boolean {
  const { secretPrefix } = settings
  return Object.entries(overrides).some(([name, value]) => {
    if (!/^(connections|orchestrators)\//.test(name.replace(`${secretPrefix}/`, ''))) return false
    return !leadsToSandbox(value)
  })
}

/** Returns whether all URLs in a secret lead to the sandbox of a local runtime. */
export function leadsToSandbox(secret: unknown): boolean {
  const urls = JSON.stringify(secret).match(/https?:\/\/[^"\\\s]*/g) ?? []
  return urls.length > 0 && urls.every((target) => target.search(SANDBOX_URL) === 0)
}

/** Replaces the hashes of the published tokens, which `webhooks token` copies to the file with all callers. */
function withOwnTokens(callers: string, url: string, current: LocalCredentials): string {
  const own = tokenHashes(url, current)
  return tokenHashes(url, demoCredentials).reduce(
    (text, hash, index) => text.replaceAll(hash, own[index] ?? hash),
    callers,
  )
}

/** Returns the hashes of the tokens that all credentials of a runtime contain, in the same order for each runtime. */
function tokenHashes(url: string, credentials: LocalCredentials): string[] {
  const { callers } = engineSecrets({ url, key: () => engineKeyOf(credentials) })
  const own = [credentials.callerToken, plainTokenOf(credentials)].map(tokenHash)
  return [...own, ...(JSON.stringify(callers).match(/sha256:[0-9a-f]{64}/g) ?? [])]
}

function sandboxSecrets(url: string, current: LocalCredentials): Record<string, unknown> {
  const prefix = settings.secretPrefix
  const { callerToken, approvalsKey } = current
  const host = { url, key: () => engineKeyOf(current) }
  const { callers, orchestrators } = engineSecrets(host)
  const named = (kind: string, secrets: Record<string, object>) =>
    Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`${prefix}/${kind}/${name}`, value]))
  return {
    ...named('connections', sandboxConnections(url)),
    ...named('orchestrators', orchestrators),
    ...named('sources', sandboxSourceSecrets(host)),
    [`${prefix}/callers`]: withDefaults({
      ...callers,
      demo: { tokens: [tokenHash(callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
      local: { tokens: [tokenHash(plainTokenOf(current))], categories: ['*'], reads: 'all' },
    }),
    [`${prefix}/orchestrators/sandbox`]: { type: 'keptn', baseUrl: `${url}/sandbox/keptn`, token: demo.keptnToken },
    [`${prefix}/approvals`]: { key: approvalsKey },
  }
}

function withDefaults(callers: Record<string, object>): Record<string, object> {
  const entries = Object.entries(callers).map(([name, caller]) => [name, { connections: sandboxDefaults, ...caller }])
  return Object.fromEntries(entries)
}

/** The URLs of a sandbox become those of this runtime, which may have been started on another port than the one before. */
function readSecretsFile(file: string, url: string): Record<string, unknown> {
  const invalid = (reason: string) =>
    new Error(`The secrets file ${file} ${reason}. It must be a JSON object: secret name -> value.`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  let value: unknown
  try {
    value = JSON.parse(text.replace(SANDBOX_URL, `${url}/sandbox/`))
  } catch {
    // The parser's message would quote the file.
    throw invalid('is not JSON')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid('is not an object')
  return value as Record<string, unknown>
}
