import { devNull } from 'node:os'
import { DEFAULT_MEMORY_MB, Environment, type Invocation, type InvocationEnd } from './environment.ts'
import { REGION } from './names.ts'
import type { CloudCredentials, Observation } from './types.ts'
import type { PublishedFunction } from './versions.ts'

const DEFAULT_CONCURRENCY = 4
/** Idle time after which an environment ends. The last environment of a function lives longer. */
const IDLE = { ms: 5_000, lastMs: 120_000 }

interface Waiting {
  prepare: () => Invocation | undefined
  resolve: (ending: InvocationEnd | undefined) => void
  reject: (error: unknown) => void
}

/** An environment between two invocations. */
interface IdleEnvironment {
  environment: Environment
  /** Version of the secrets that it may have cached. */
  secretsVersion: string
}

interface Pool {
  fn: PublishedFunction
  waiting: Waiting[]
  idle: (IdleEnvironment & { timer: NodeJS.Timeout })[]
  all: Set<Environment>
  busy: number
}

/** The execution environments of all functions. Each version of a function has its own concurrency limit. */
export class Workers {
  /** By function and version. */
  readonly #pools = new Map<string, Pool>()
  readonly #variables: (fn: PublishedFunction) => Record<string, string>
  readonly #observe: (observation: Observation) => void
  readonly #secretsVersion: () => string
  readonly #idle: { ms: number; lastMs: number }
  #closed = false
  #cut = false

  /**
   * @param variables returns all environment variables of a function
   * @param secretsVersion environments with secrets of another version are replaced
   * @param idle idle times of an environment, and of the last environment of a function
   */
  constructor(
    variables: (fn: PublishedFunction) => Record<string, string>,
    observe: (observation: Observation) => void,
    secretsVersion: () => string = () => '',
    idle: { ms: number; lastMs: number } = IDLE,
  ) {
    this.#secretsVersion = secretsVersion
    this.#idle = idle
    this.#variables = variables
    this.#observe = observe
  }

  /**
   * Invokes a function when an environment is free, in the order of the calls.
   *
   * @param fn the name if the function does not exist
   * @param prepare creates the event at that time, so that no event waits in memory; undefined cancels the invocation
   * @returns undefined if the invocation was canceled, or interrupted by close()
   */
  invoke(fn: PublishedFunction | string, prepare: () => Invocation | undefined): Promise<InvocationEnd | undefined> {
    if (typeof fn === 'string') {
      const at = Date.now()
      const error = { errorType: 'ResourceNotFoundException', errorMessage: `Function not found: ${fn}` }
      return Promise.resolve({ requestId: '', startedAt: at, endedAt: at, error })
    }
    const pool = this.#poolOf(fn)
    return new Promise((resolve, reject) => {
      pool.waiting.push({ prepare, resolve, reject })
      this.#pump(pool)
    })
  }

  /** Starts no more invocations, waits up to `graceMs` for running ones, and ends all threads. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    const until = Date.now() + graceMs
    const pools = [...this.#pools.values()]
    for (const pool of pools) for (const { resolve } of pool.waiting.splice(0)) resolve(undefined)
    while (pools.some((pool) => pool.busy > 0) && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20))
    this.#cut = true
    for (const pool of pools) for (const { timer } of pool.idle) clearTimeout(timer)
    await Promise.all(pools.flatMap((pool) => [...pool.all].map((environment) => environment.end())))
  }

  #poolOf(fn: PublishedFunction): Pool {
    const key = `${fn.name}:${fn.version}`
    const pool = this.#pools.get(key) ?? { fn, waiting: [], idle: [], all: new Set<Environment>(), busy: 0 }
    this.#pools.set(key, pool)
    return pool
  }

  #pump(pool: Pool): void {
    while (!this.#closed && pool.waiting.length > 0 && this.#hasRoom(pool)) {
      const next = pool.waiting.shift()
      if (next === undefined) return
      let invocation: Invocation | undefined
      try {
        invocation = next.prepare()
      } catch (error) {
        next.reject(error)
        continue
      }
      if (invocation === undefined) next.resolve(undefined)
      else this.#run(pool, invocation).then(next.resolve, next.reject)
    }
  }

  #hasRoom(pool: Pool): boolean {
    return pool.idle.length > 0 || pool.all.size < (pool.fn.concurrency ?? DEFAULT_CONCURRENCY)
  }

  async #run(pool: Pool, invocation: Invocation): Promise<InvocationEnd | undefined> {
    const secretsVersion = this.#secretsVersion()
    const environment = this.#take(pool, secretsVersion)
    pool.busy += 1
    try {
      const ending = await environment.run(invocation)
      return this.#cut ? undefined : ending
    } finally {
      pool.busy -= 1
      if (environment.isUsable && !this.#closed) this.#keepIdle(pool, { environment, secretsVersion }, this.#idle.ms)
      this.#pump(pool)
    }
  }

  #take(pool: Pool, secretsVersion: string): Environment {
    // Takes the most recently used environment, so that the others become idle and end.
    for (let idle = pool.idle.pop(); idle !== undefined; idle = pool.idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.secretsVersion === secretsVersion) return idle.environment
      void idle.environment.end()
    }
    const environment = new Environment(pool.fn, this.#variables(pool.fn), this.#observe)
    pool.all.add(environment)
    void environment.gone.then(() => {
      pool.all.delete(environment)
      pool.idle = pool.idle.filter((idle) => idle.environment !== environment)
      this.#pump(pool)
    })
    return environment
  }

  #keepIdle(pool: Pool, idle: IdleEnvironment, ms: number): void {
    const timer = setTimeout(() => this.#retire(pool, idle, ms), ms).unref()
    pool.idle.push({ ...idle, timer })
  }

  #retire(pool: Pool, idle: IdleEnvironment, idleMs: number): void {
    const { environment } = idle
    pool.idle = pool.idle.filter((other) => other.environment !== environment)
    const isLast = [...pool.all].filter((other) => other.isUsable).length === 1
    if (isLast && idleMs < this.#idle.lastMs) this.#keepIdle(pool, idle, this.#idle.lastMs)
    else void environment.end()
  }
}

/**
 * Returns the environment variables of a function: those of Lambda, the local endpoints and its own. Variables of this
 * process are excluded, so that a bundle has the same environment as in Lambda.
 */
export function functionVariables(
  fn: PublishedFunction,
  endpoints: Endpoints,
  credentials: CloudCredentials,
): Record<string, string> {
  const certificates = process.env['NODE_EXTRA_CA_CERTS']
  return {
    ...awsVariables(endpoints, credentials),
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: String(fn.version),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb ?? DEFAULT_MEMORY_MB),
    POWERTOOLS_TRACE_ENABLED: 'false',
    ...(certificates === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificates }),
    ...fn.environment,
  }
}

interface Endpoints {
  lambda: string
  dynamodb: string
}

/** Returns the environment variables of a client of the local AWS APIs. */
export function awsVariables(
  { lambda, dynamodb }: Endpoints,
  { accessKeyId, secretAccessKey }: CloudCredentials,
): Record<string, string> {
  return {
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    // AWS profiles of the user must not have an effect.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_ENDPOINT_URL_LAMBDA: lambda,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: lambda,
    AWS_ENDPOINT_URL_SQS: lambda,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  }
}
