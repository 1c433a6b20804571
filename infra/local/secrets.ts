import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { categories } from '../../functions/index.ts'
import type { Category } from '../../shared/providers/category.ts'
import { settings } from '../../shared/settings.ts'
import { demo } from '../platforms/sandbox/demo.ts'
import { demoCredentials, type LocalCredentials, tokenHash } from './credentials.ts'
import { connectionsToTool } from './tool-connections.ts'

/** The secrets of the local runtime, by name, each as the text that Secrets Manager would hold. */
export interface LocalSecrets {
  get(name: string): string | undefined
  names(): string[]
  /** Changes whenever a secret changes. */
  version(): string
}

export interface LocalSecretsOptions {
  /** Whether the file may be missing; it is read as soon as it exists. */
  optional?: boolean
  /** The key of the secret `identity`, which differs between state folders. */
  identityKey?: string | undefined
  /** Of the caller and the approvals; they must be private if the file connects a real platform. */
  credentials?: (hasRealPlatform: boolean) => LocalCredentials
}

/**
 * The sandbox's own secrets, with a file laid over them, so that a real platform can be tried locally.
 *
 * The file is read anew at every look: a secret can be rotated while the runtime runs.
 *
 * @param url where the runtime listens, and so its sandbox
 * @param file JSON, secret name -> value (an object, or its JSON text)
 * @throws Error when the file can not be read now or is no such object; later such an edit leaves what was read before
 */
export function localSecrets(
  url: string,
  file?: string,
  { optional = false, identityKey, credentials = () => demoCredentials }: LocalSecretsOptions = {},
): LocalSecrets {
  const identity = identityKey === undefined ? {} : { [`${settings.secretPrefix}/identity`]: { key: identityKey } }
  const isThere = () => file !== undefined && (!optional || existsSync(file))
  let laidOver = file && isThere() ? readSecretsFile(file) : {}
  const all = (): Record<string, unknown> => {
    if (!isThere()) laidOver = {}
    else if (file) {
      try {
        laidOver = readSecretsFile(file)
      } catch (error) {
        // An editor may have written half of it: the next look reads the whole.
        console.error((error as Error).message)
      }
    }
    const { callerToken, approvalsKey } = credentials(hasRealPlatform(laidOver, url))
    const merged: Record<string, unknown> = {
      ...sandboxSecrets(url, callerToken, approvalsKey),
      ...identity,
      ...laidOver,
    }
    const callers = `${settings.secretPrefix}/callers`
    // `webhooks token` copies the caller "demo" to the file, with the hash of a token that everybody knows.
    merged[callers] = textOf(merged[callers]).replaceAll(tokenHash(demo.callerToken), tokenHash(callerToken))
    return merged
  }
  return {
    get(name) {
      const value = all()[name]
      return value === undefined ? undefined : textOf(value)
    },
    names: () => Object.keys(all()),
    version: () => createHash('sha256').update(JSON.stringify(all())).digest('hex'),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether one of the secrets leads to something else than the sandbox. */
function hasRealPlatform(laidOver: Record<string, unknown>, url: string): boolean {
  const { secretPrefix } = settings
  return Object.entries(laidOver).some(([name, value]) => {
    if (!/^(connections|orchestrators)\//.test(name.replace(`${secretPrefix}/`, ''))) return false
    const urls = JSON.stringify(value).match(/https?:\/\/[^"\\\s]*/g) ?? []
    return urls.length === 0 || urls.some((target) => !target.startsWith(`${url}/sandbox/`))
  })
}

function sandboxSecrets(url: string, callerToken: string, approvalsKey: string): Record<string, unknown> {
  const prefix = settings.secretPrefix
  const unleash = {
    provider: 'unleash',
    baseUrl: `${url}/sandbox/unleash`,
    token: demo.unleash.token,
    project: 'default',
    environment: 'production',
  }
  const tool = (categories as readonly Category[]).flatMap((category) =>
    Object.entries(connectionsToTool(category, url)).flatMap(([name, connection], at) => [
      // A category that nothing else is played for has it as its default.
      ...(at === 0 ? [[`${prefix}/connections/${category.name}/default`, connection]] : []),
      [`${prefix}/connections/${category.name}/${name}`, connection],
    ]),
  )
  const dynatrace = { baseUrl: `${url}/sandbox/dynatrace`, token: demo.dynatraceToken }
  return {
    ...Object.fromEntries(tool),
    [`${prefix}/callers`]: {
      demo: { tokens: [tokenHash(callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
    },
    [`${prefix}/orchestrators/sandbox`]: { type: 'keptn', baseUrl: `${url}/sandbox/keptn`, token: demo.keptnToken },
    [`${prefix}/approvals`]: { key: approvalsKey },
    [`${prefix}/connections/issue-ticketing/default`]: {
      provider: 'github',
      baseUrl: `${url}/sandbox/github`,
      token: demo.githubToken,
      project: 'demo/shop',
    },
    [`${prefix}/connections/incident-management/default`]: {
      provider: 'servicenow',
      baseUrl: `${url}/sandbox/servicenow`,
      username: demo.serviceNow.username,
      password: demo.serviceNow.password,
    },
    [`${prefix}/connections/feature-flags/default`]: unleash,
    [`${prefix}/connections/ci-cd/default`]: {
      provider: 'github-actions',
      baseUrl: `${url}/sandbox/github`,
      token: demo.githubToken,
      project: 'demo/shop',
      target: 'deploy.yml',
      keyInput: 'key',
    },
    [`${prefix}/connections/load-testing/default`]: {
      provider: 'autocannon',
      allow: [`${url}/sandbox/shop/`],
      target: `${url}/sandbox/shop/`,
    },
    [`${prefix}/connections/chaos-testing/default`]: {
      provider: 'toxiproxy',
      baseUrl: `${url}/sandbox/toxiproxy`,
      allow: ['shop-*'],
      target: 'shop-db',
    },
    [`${prefix}/connections/notification/default`]: {
      provider: 'slack',
      baseUrl: `${url}/sandbox/slack`,
      token: demo.slack.token,
      signingSecret: demo.slack.signingSecret,
      channel: 'C0RELEASES',
    },
    // What the sandbox says of an SLO holds at once.
    [`${prefix}/connections/slo/default`]: { provider: 'dynatrace', ...dynatrace, dataDelay: 0 },
    [`${prefix}/connections/slo/events`]: {
      provider: 'dynatrace-event',
      ...dynatrace,
      entitySelector: 'type(SERVICE),entityName.equals("$SERVICE")',
    },
    [`${prefix}/connections/optimization/default`]: {
      provider: 'databricks',
      baseUrl: `${url}/sandbox/databricks`,
      token: demo.databricksToken,
      target: '101',
    },
    [`${prefix}/connections/remediation/default`]: {
      provider: 'rundeck',
      baseUrl: `${url}/sandbox/rundeck`,
      token: demo.rundeckToken,
      project: 'shop',
      keyOption: 'key',
      actions: {
        // The flag and its state come with the action, as its value.
        'toggle-feature': { action: 'toggle-flag', connection: 'flags' },
        'restart-service': { action: 'run-runbook', input: { target: 'restart-checkout' } },
      },
    },
    [`${prefix}/connections/remediation/flags`]: unleash,
  }
}

function readSecretsFile(file: string): Record<string, unknown> {
  const wrong = (why: string) =>
    new Error(`WEBHOOKS_SECRETS: ${file} ${why}. It must be a JSON object: secret name -> value.`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw wrong(`can not be read (${(error as NodeJS.ErrnoException).code})`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the parser's words, which quote the file.
    throw wrong('is not JSON')
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrong('is not an object')
  return value as Record<string, unknown>
}
