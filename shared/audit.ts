import { Failure, kindOf } from './errors.ts'
import { withMetrics } from './metrics.ts'
import { toMaskedJson } from './redact.ts'
import { traceId } from './traceparent.ts'

/**
 * `call`, `cancel`, `answer` and `rerun` are requests of a caller or an operator; `decision` is a person's decision about an
 * approval; `task` is the end of the task of an interactive call.
 */
type Operation = 'call' | 'cancel' | 'answer' | 'rerun' | 'decision' | 'task'

/** The known fields of a line. The others are null. */
export interface Audited {
  operation?: Operation
  category?: string
  /** Undefined until the caller is authenticated. */
  caller?: string
  action?: string
  connection?: string
  provider?: string
  mode?: string
  dryRun?: boolean
  eventId?: string | undefined
  taskId?: string | undefined
  /** `accepted`, `duplicate`, `ignored`, a verdict such as `pass` or `running`, or a decision such as `approve`. */
  outcome?: string
  /** The person who decided, the name of the canceler, or the ARN of the operator. */
  by?: string
  requestId?: string
}

/** The audited call of the current invocation: an execution environment handles one at a time. */
let audited: Audited = {}

/**
 * One JSON line per call and per ended task: who did what, with which connection, how it ended and how long it took. The
 * fields are stable and documented in docs/operate.md. Not a part of `log`, because `logLevel` must not suppress it.
 */
export const audit = {
  /** Starts the line of an invocation. */
  start(known: Audited): void {
    audited = known
  },

  add(known: Audited): void {
    audited = { ...audited, ...known }
  },

  /**
   * Writes the line. Writes nothing for requests that do nothing, which have no operation.
   *
   * @param error of a request that failed
   */
  write(durationMs: number | undefined, error?: unknown): void {
    if (audited.operation === undefined) return
    const { operation, category, caller, action, connection, provider, mode, dryRun, eventId, taskId } = audited
    const line = {
      level: 'INFO',
      message: 'audit',
      timestamp: new Date().toISOString(),
      audit: operation,
      category,
      caller,
      action,
      connection,
      provider,
      mode,
      dryRun,
      eventId,
      taskId,
      outcome: error === undefined ? audited.outcome : outcomeOf(error),
      kind: error === undefined ? undefined : kindOf(error),
      durationMs,
      requestId: audited.requestId,
      traceId: traceId(),
      by: audited.by,
    }
    const known = Object.entries(line).map(([name, value]) => [name, value ?? null])
    process.stdout.write(`${toMaskedJson(withMetrics(Object.fromEntries(known)))}\n`)
  },
}

/** Our own failures and those of platforms are errors. A request that must be changed is rejected. */
function outcomeOf(error: unknown): string {
  return error instanceof Failure && error.status < 500 ? 'rejected' : 'errored'
}

/** Returns the audited fields of a call or a task. */
export function auditedCall(call: {
  category: string
  caller: string
  action: string
  connection: string
  provider: string
  mode: string
  dryRun: boolean
  event: { id?: string | undefined }
}): Audited {
  const { category, caller, action, connection, provider, mode, dryRun, event } = call
  return { category, caller, action, connection, provider, mode, dryRun, eventId: event.id }
}
