import { existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { readPolicyFile } from '../aws/read-policy-file.ts'
import { dist, finisher } from '../build/files.ts'
import { engineKeyOf } from '../sandbox/engines/place.ts'
import { interactivityUrl } from '../sandbox/platforms/sandbox/connections.ts'
import { createSandbox } from '../sandbox/platforms/sandbox/index.ts'
import { declaresSandboxSources } from '../sandbox/platforms/sandbox/notifications/sources.ts'
import type { Sandbox } from '../sandbox/platforms/sandbox/sandbox.ts'
import { createAuditLog } from './audit-log.ts'
import {
  authorizationWith,
  type CloudCredentials,
  type LocalCloud,
  type LocalFunction,
  type StatusChangeEvent,
  startLocalCloud,
} from './cloud/index.ts'
import { type Console, createConsole } from './console/index.ts'
import { credentialsOf, type LocalCredentials, plainTokenOf } from './credentials.ts'
import { localFunctions, localQueues, STATE_TABLE } from './functions.ts'
import { ensureKeys } from './generated-keys.ts'
import { closeServer, listen } from './port.ts'
import { handleRequest, type RuntimeParts } from './router.ts'
import type { RuntimeEvent } from './runtime-event.ts'
import { runtimeFile, writeRuntimeFile } from './runtime-file.ts'
import { localSecrets } from './secrets.ts'
import { localSources } from './sources.ts'
import { openStateFolder, writePrivateFile } from './state-folder.ts'

/** Longer than clients keep an idle connection, so that a call never uses a connection that is being closed. */
const KEEP_ALIVE_MS = 65_000

export interface RuntimeOptions {
  /** 0 for a free port. */
  port: number
  /** Folder of all persistent data. */
  state: string
  /** JSON file with secrets that override the defaults of the sandbox. */
  secretsFile?: string | undefined
  /** YAML file that declares the sources of notifications, instead of those of the sandbox. */
  eventsFile?: string | undefined
  /** YAML file with the rules that restrict calls. */
  policyFile?: string | undefined
  /** Whether agents can sign in, as they can at a custom domain. */
  hasAgentSignIn?: boolean | undefined
  /** Folder of the bundles. */
  bundles?: string
  /** For tests: replaces the demo or generated credentials. */
  credentials?: LocalCredentials
  /** For tests: replaces the random credentials for the local AWS APIs. */
  awsCredentials?: CloudCredentials
  /** For tests: functions cache secrets for five minutes, as on AWS. */
  cacheSecrets?: boolean
  /** For tests: more functions, such as one that invokes a task. */
  functions?: LocalFunction[]
  /** For tests: divides the delays of durable steps. */
  timeScale?: number
  /** For tests: divides the durations of the runs of the sandbox's platforms. */
  sandboxTimeScale?: number
  /** Timeout of a webhook in seconds. Defaults to 28, because API Gateway waits 29 seconds. */
  webhookTimeout?: number
  /** For tests: replaces the execution timeout of each category, in seconds. */
  executionTimeout?: number
  /** For tests: false to run the bundles where they are, so that V8 need not compile them at each start. */
  copiesBundles?: boolean
  /** For tests: how many calls each function handles at once. */
  concurrency?: number
  observe?: (event: RuntimeEvent) => void
  /** Called when a real platform is connected, so that the demo credentials are replaced. */
  onPrivate?: (credentials: LocalCredentials) => void
}

export interface Runtime {
  url: string
  cloud: LocalCloud
  sandbox: Sandbox
  /** Returns the current credentials. */
  credentials(): LocalCredentials
  close(): Promise<void>
}

/**
 * Starts the bundles in `dist/` behind the same HTTP API as on AWS, with local replacements for the AWS services that they
 * use, and the sandbox. Listens on loopback only.
 *
 * @throws Error if the port is in use or the state folder cannot be used
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { port, state, bundles = dist } = options
  if (!existsSync(bundles)) throw new Error(`The bundles in ${bundles} are missing. Run npm run build.`)
  openStateFolder(state)
  const started = Promise.withResolvers<RuntimeParts>()
  // Early requests wait until everything has started.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, async (req, res) => {
    try {
      await handleRequest(req, res, await started.promise)
    } catch (error) {
      console.error('The local runtime could not handle a request:', error)
      res.destroy()
    }
  })
  const url = await listen(server, port)
  try {
    const parts = await startParts(url, options)
    started.resolve(parts)
    return {
      url,
      cloud: parts.cloud,
      sandbox: parts.sandbox,
      credentials: parts.credentials,
      async close() {
        parts.console.close()
        // Before the sandbox: running functions would treat its end as an error of the platform.
        await parts.cloud.close()
        await closeServer(server)
        parts.sandbox.close()
        rmSync(runtimeFile(state), { force: true })
      },
    }
  } catch (error) {
    started.promise.catch(() => {})
    started.reject(error)
    await closeServer(server)
    throw error
  }
}

/** Reads the credentials, secrets, sources and policy of a runtime. */
async function readInputs(url: string, options: RuntimeOptions) {
  const { state, secretsFile, credentials: fixedCredentials } = options
  const credentials = fixedCredentials ? () => fixedCredentials : credentialsOf(state)
  // By default, uses the file that the CLI writes, as soon as it exists.
  const secrets = localSecrets(url, secretsFile ?? join(state, 'secrets.json'), {
    optional: secretsFile === undefined,
    keys: ensureKeys(state),
    credentials,
  })
  const sources = await localSources(options.eventsFile, state, secrets)
  const policy = options.policyFile === undefined ? undefined : readPolicyFile(options.policyFile)
  const policyFile = policy === undefined ? undefined : join(state, 'policy.json')
  return { credentials, secrets, sources, policy, policyFile }
}

function functionsOf(
  url: string,
  {
    bundles = dist,
    webhookTimeout = 28,
    executionTimeout,
    concurrency,
    hasAgentSignIn,
    functions = [],
  }: RuntimeOptions,
  eventsFile: string | undefined,
  policyFile: string | undefined,
): LocalFunction[] {
  const settings = { bundles, url, concurrency, eventsFile, policyFile, hasAgentSignIn }
  const timeouts = { webhookTimeoutSeconds: webhookTimeout, executionTimeoutSeconds: executionTimeout }
  return [...localFunctions({ ...settings, ...timeouts }), ...functions]
}

async function startParts(url: string, options: RuntimeOptions): Promise<RuntimeParts> {
  const { state, timeScale = 1 } = options
  const { credentials, secrets, sources, policy, policyFile } = await readInputs(url, options)
  let isPrivate = true
  const notifyIfPrivate = () => {
    const current = credentials(false)
    if (isPrivate || current.consoleKey === undefined) return
    isPrivate = true
    options.onPrivate?.(current)
  }
  let console: Console | undefined
  const audit = createAuditLog(state)
  const observe = (event: RuntimeEvent) => {
    audit(event)
    console?.observe(event)
    options.observe?.(event)
  }
  // Locks the state folder. Nothing before it may change files of a runtime that uses the folder.
  const cloud = await startLocalCloud({
    state,
    queues: localQueues(sources.file !== undefined),
    functions: functionsOf(url, options, sources.file, policyFile),
    secret: (name) => secrets.get(name),
    secretNames: () => secrets.names(),
    secretsVersion() {
      const version = secrets.version()
      notifyIfPrivate()
      sources.write(version)
      return options.cacheSecrets ? '' : version
    },
    copiesCode: options.copiesBundles,
    credentials: options.awsCredentials,
    table: STATE_TABLE,
    timeScale,
    observe: (observation) => observe({ from: 'cloud', ...observation }),
    onEnded: (event) => startFinisher(cloud, event),
  })
  try {
    if (policyFile) writePrivateFile(policyFile, JSON.stringify(policy))
    const sandbox = createSandbox({
      state,
      interactivityUrl: interactivityUrl(url),
      timeScale: options.sandboxTimeScale,
      engines: { url, key: () => engineKeyOf(credentials(false)) },
      notifies: sources.declared !== undefined && declaresSandboxSources(sources.declared),
      observe: (observation) => observe({ from: 'sandbox', ...observation }),
    })
    // Reading the secrets generates private credentials if they are needed.
    sources.write(secrets.version())
    isPrivate = credentials(false).consoleKey !== undefined
    const tokens = (): [string, string] => [credentials(false).callerToken, plainTokenOf(credentials(false))]
    const { declared } = sources
    const { eventsFile } = options
    console = createConsole({ url, state, cloud, sandbox, secrets, tokens, declared, eventsFile, policy })
    const { endpoint, dynamodb } = cloud
    writeRuntimeFile(state, { url, aws: { endpoint, dynamodb, ...cloud.credentials } })
    const hasSources = sources.file !== undefined
    return { cloud, sandbox, console, url, observe, credentials: () => credentials(false), hasSources }
  } catch (error) {
    await cloud.close()
    throw error
  }
}

/** Simulates the rule in EventBridge: starts the finisher when a task ends, but not when the finisher itself ends. */
async function startFinisher(cloud: LocalCloud, event: StatusChangeEvent): Promise<void> {
  if (!event.detail.functionArn.includes('-task:')) return
  const response = await fetch(`${cloud.endpoint}/2015-03-31/functions/${finisher}:live/invocations`, {
    method: 'POST',
    headers: { authorization: authorizationWith(cloud.credentials), 'x-amz-invocation-type': 'Event' },
    body: JSON.stringify(event),
  })
  if (!response.ok) throw new Error(`Could not start the finisher: ${response.status} ${await response.text()}`)
}
