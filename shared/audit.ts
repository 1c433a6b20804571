import { randomUUID } from 'node:crypto'
import { Failure, kindOf } from './errors.ts'
import { withMetrics } from './metrics.ts'
import { toMaskedJson } from './redact.ts'
import { traceId } from './traceparent.ts'

/**
 * `call`, `cancel`, `answer` and `rerun` are requests of a caller or an operator; `decision` is a person's decision about an
 * approval; `release` takes a turn from a task; `stop` and `resume` set and lift a stop; `task` is the end of the task of an
 * interactive call.
 */
type Operation = 'call' | 'cancel' | 'answer' | 'rerun' | 'decision' | 'release' | 'stop' | 'resume' | 'task'

/** A person's decision on the approval that a rule of the policy asks for. */
export interface AuditedDecision {
  /** The name of the rule. Null for the entry of the caller. */
  rule: string | null
  decision: 'approve' | 'reject' | 'cancel'
  by: string
  /** ISO 8601. */
  at: string
  reason: string | null
}

/** The fields of a line, in the order of the columns of `webhooks audit`. Fields are only added, at the end. */
export const AUDIT_FIELDS = [
  'timestamp',
  'auditId',
  'audit',
  'outcome',
  'kind',
  'category',
  'action',
  'connection',
  'provider',
  'mode',
  'dryRun',
  'caller',
  'person',
  'by',
  'rules',
  'decisions',
  'inputDigest',
  'eventId',
  'taskId',
  'durationMs',
  'requestId',
  'traceId',
  'policyDigest',
  'stop',
] as const

/** The known fields of a line. The others are null. */
export interface Audited {
  operation?: Operation
  /**
   * Makes the line the record of an action: of the end of a task, a silent call or a stop. The same end has the same id, even if it is
   * written again. The record of a refusal gets its id when it is written.
   */
  auditId?: string
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
  /** The person or the program that an OpenID provider has identified as the caller. */
  person?: string | undefined
  /** The names of the rules of the policy that matched the call. */
  rules?: string[] | undefined
  /** Names the policy that was in force when the call was accepted or refused. */
  policyDigest?: string | undefined
  decisions?: AuditedDecision[]
  inputDigest?: string | undefined
  /** The stop that an operator has set or lifted: its id, its reason and what it matches. */
  stop?: object
  /** The id of the call. */
  callId?: string | undefined
  /** Why the call is refused, although its response is not an error of the handler. */
  refusal?: unknown
}

/** A line that is the record of an action. */
export type AuditRecord = Record<string, unknown> & { auditId: string }

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
   * @returns the line, if it is the record of an action
   */
  write(durationMs: number | undefined, error: unknown = audited.refusal): AuditRecord | undefined {
    const { operation } = audited
    if (operation === undefined) return undefined
    const auditId = refusalId(error) ?? audited.auditId
    const line: Partial<Record<(typeof AUDIT_FIELDS)[number], unknown>> = {
      ...audited,
      timestamp: new Date().toISOString(),
      audit: operation,
      outcome: error === undefined ? audited.outcome : outcomeOf(error),
      kind: error === undefined ? undefined : kindOf(error),
      durationMs,
      traceId: traceId(),
      auditId,
    }
    const fields = Object.fromEntries(AUDIT_FIELDS.map((name) => [name, line[name] ?? null]))
    const known = { level: 'INFO', message: 'audit', ...fields }
    process.stdout.write(`${toMaskedJson(withMetrics(known))}\n`)
    return auditId === undefined ? undefined : { ...known, auditId }
  },
}

/** Our own failures and those of platforms are errors. A request that must be changed is rejected. */
function outcomeOf(error: unknown): string {
  return error instanceof Failure && error.status < 500 ? 'rejected' : 'errored'
}

/** The kinds of failures that say that the caller, or a rule of the policy, does not permit an action. */
const REFUSALS = ['forbidden', 'closed']

/**
 * Returns the id of the record of a refused action. Undefined if none was refused. An engine may repeat a refused call every few
 * seconds: this is one record, as long as the reason is the same.
 */
function refusalId(error: unknown): string | undefined {
  const { operation, callId } = audited
  const kind = kindOf(error)
  const isAction = operation === 'call' || operation === 'rerun'
  if (!isAction || !REFUSALS.includes(kind)) return undefined
  return `${callId ?? randomUUID()}-${kind}`
}

/** The fields of the line for each call and each task. */
type AuditedCall = Required<
  Pick<Audited, 'category' | 'caller' | 'action' | 'connection' | 'provider' | 'mode' | 'dryRun'>
> &
  Pick<Audited, 'person' | 'rules' | 'policyDigest' | 'inputDigest'> & {
    id?: string | undefined
    event: { id?: string | undefined }
  }

/** Returns the audited fields of a call or a task. */
export function auditedCall({
  category,
  caller,
  person,
  action,
  connection,
  provider,
  mode,
  dryRun,
  event: { id: eventId },
  rules = [],
  policyDigest,
  inputDigest,
  id: callId,
}: AuditedCall): Audited {
  const who = { category, caller, person, action, connection, provider, mode, dryRun, eventId }
  return { ...who, rules, policyDigest, decisions: [], inputDigest, callId }
}

/** Returns the audited fields of a task that has ended. A skipped action did not run, and a task that asks people for another one is a part of that one: neither has a record. */
export function auditedTask(task: AuditedCall & { id: string; skip?: unknown; approvalOf?: unknown }): Audited {
  const ended = { ...auditedCall(task), taskId: task.id }
  return task.skip === undefined && task.approvalOf === undefined ? { ...ended, auditId: task.id } : ended
}
