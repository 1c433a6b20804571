import { randomUUID } from 'node:crypto'
import { type Core, delayMs } from './core.ts'
import type { Execution } from './execution.ts'
import { ACCOUNT, functionArn, REGION } from './names.ts'
import type { CloudOptions, StatusChangeEvent } from './types.ts'

/** Time after which a call of `onEnded` that has not returned is repeated. */
const LEASE_MS = 900_000
const RETRY_SECONDS = 30

/** Simulates EventBridge: calls `onEnded` for executions that ended FAILED, TIMED_OUT or STOPPED, until it succeeds. */
export class Notifier {
  readonly #core: Core
  readonly #onEnded: CloudOptions['onEnded']
  #stopped = false

  constructor(core: Core, onEnded: CloudOptions['onEnded']) {
    this.#core = core
    this.#onEnded = onEnded
  }

  /** Calls `onEnded` for at most `limit` executions that are due. */
  notify(now: number, limit: number): void {
    const onEnded = this.#onEnded
    const ended = this.#core.store.all<Execution>(
      'UPDATE execution SET notify_at = ? WHERE id IN (SELECT id FROM execution WHERE notify_at <= ? LIMIT ?) RETURNING *',
      onEnded === undefined ? null : now + LEASE_MS,
      now,
      limit,
    )
    if (onEnded !== undefined) for (const execution of ended) void this.#call(execution, onEnded)
  }

  stop(): void {
    this.#stopped = true
  }

  async #call(execution: Execution, onEnded: NonNullable<CloudOptions['onEnded']>): Promise<void> {
    let retryAt: number | null = null
    try {
      await onEnded(statusChange(execution))
    } catch (error) {
      retryAt = Date.now() + delayMs(this.#core, RETRY_SECONDS)
      const line = `onEnded failed and will be retried: ${error instanceof Error ? error.message : String(error)}`
      const { function: functionName, name } = execution
      this.#core.observe({ at: Date.now(), kind: 'log', functionName, execution: name, stream: 'stderr', line })
    }
    if (this.#stopped) return
    this.#core.store.run('UPDATE execution SET notify_at = ? WHERE id = ?', retryAt, execution.id)
    if (retryAt !== null) this.#core.alarm(retryAt)
  }
}

function statusChange(execution: Execution): StatusChangeEvent {
  const endTimestamp = new Date(execution.ended_at ?? Date.now()).toISOString()
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Durable Execution Status Change',
    source: 'aws.lambda',
    account: ACCOUNT,
    time: endTimestamp,
    region: REGION,
    resources: [],
    detail: {
      durableExecutionArn: execution.arn,
      durableExecutionName: execution.name,
      functionArn: functionArn(execution.function, execution.function_version),
      status: execution.status,
      startTimestamp: new Date(execution.started_at).toISOString(),
      endTimestamp,
    },
  }
}
