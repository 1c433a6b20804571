import type { Waiting } from '../../../shared/core/task/progress.ts'
import { SEND_FINISHED } from '../../../shared/core/task/steps.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { RecordedEvent } from '../../sandbox/platforms/keptn/recorded-event.ts'
import type { OperationSummary } from '../cloud/index.ts'
import type { CallRecord, LogLine, Outgoing } from './call-record.ts'
import type { CallStore } from './call-store.ts'
import type { CallSummary, Executions, ViewContext } from './call-summary.ts'
import type { Inbound } from './inbound.ts'
import { bodyOf, jsonBodyOf, requestSummary } from './request-view.ts'
import { undecidedTasksOf } from './requirements.ts'
import { ANSWER_AGAIN } from './step-name.ts'
import { isAbout, outcomeOf, recordedTaskOf, taskSummary } from './task-view.ts'
import { type Waterfall, waterfallOf } from './waterfall.ts'

/** A call with all of its details. */
export interface CallDetail extends CallSummary {
  /** The calls that ask people for the approvals that it waits for. */
  asking?: CallSummary[]
  waiting?: Waiting | undefined
  outcome?: Partial<Outcome> | undefined
  /** When the orchestrator accepted the answer. */
  answeredAt?: number | undefined
  /** The task that this one runs again. */
  rerunOf?: string | undefined
  /** Notes of the validation, such as a text that was cut. */
  notes: readonly string[]
  /** The input after validation. */
  input?: unknown
  requests: Inbound[]
  /** The body of the first request as JSON. */
  jsonBody?: unknown
  outgoing: Outgoing[]
  /** Number of older requests that were dropped. */
  droppedCalls: number
  /** Events that Keptn received. */
  events: { at: string; event: object }[]
  log: LogLine[]
  /** Why the log of a deployed stack cannot be read. */
  logProblem?: string
  waterfall: Waterfall
}

/** Adds the calls that ask people for what a call waits for, as far as they are known. */
export function withAsking(call: CallDetail, store: Pick<CallStore, 'load'>): CallDetail {
  const asking = undecidedTasksOf(call.policyWait).flatMap((id) => store.load(id)?.summary ?? [])
  return asking.length === 0 ? call : { ...call, asking }
}

export function summaryOf(record: CallRecord, context: ViewContext): CallSummary {
  const task = recordedTaskOf(record, context.cloud)
  return task ? taskSummary(record, task, context) : requestSummary(record, context)
}

/** @param events of all calls that were sent to Keptn */
export function detailOf(record: CallRecord, context: ViewContext, events: readonly RecordedEvent[]): CallDetail {
  const task = recordedTaskOf(record, context.cloud)
  const { requests, outgoing, droppedCalls } = record
  // The lines of several functions arrive one function after the other.
  const log = record.log.toSorted((one, other) => one.at - other.at)
  const parts = { requests, jsonBody: requests[0] && jsonBodyOf(requests[0]), outgoing, droppedCalls, log }
  if (!task) {
    const summary = requestSummary(record, context)
    const waterfall = waterfallOf({ record, operations: [], summary })
    return { ...summary, ...parts, outcome: bodyOf(requests.at(-1)), notes: [], events: [], waterfall }
  }
  const { execution, payload, operations, waiting } = task
  const summary = taskSummary(record, task, context)
  const finisher = record.finisher === undefined ? [] : context.cloud.operations(record.finisher)
  const all = [...operations, ...finisher]
  const later = (record.later ?? []).flatMap((arn) => laterOperations(arn, context.cloud))
  return {
    ...summary,
    ...parts,
    waiting,
    outcome: outcomeOf(execution),
    answeredAt: all.findLast(({ name, status }) => name === SEND_FINISHED && status === 'SUCCEEDED')?.endedAt,
    notes: payload.notes ?? [],
    input: payload.input,
    rerunOf: payload.rerunOf,
    events: events
      .filter(({ via, event }) => via === 'api' && isAbout(event, payload))
      .map(({ at, event }) => ({ at, event })),
    waterfall: waterfallOf({
      record,
      operations: all,
      later,
      summary,
      startedAt: execution.startedAt,
      requirements: payload.requirements,
    }),
  }
}

/** Returns the operations of an execution that follows a task. Their ids are unique among all operations of the call. */
function laterOperations(arn: string, cloud: Executions): OperationSummary[] {
  return cloud.operations(arn).map((operation) => ({
    ...operation,
    id: `${arn} ${operation.id}`,
    ...(operation.name === SEND_FINISHED && { name: ANSWER_AGAIN }),
  }))
}
