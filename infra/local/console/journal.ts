import { finisher } from '../../build/files.ts'
import type { ExecutionSummary, LocalCloud, Observation } from '../cloud/index.ts'
import { isTask, taskIdOf } from '../tasks/listed-task.ts'
import type { CallRecord } from './call-record.ts'
import type { CallStore, StoredCall } from './call-store.ts'
import type { CallSummary, ViewContext } from './call-summary.ts'
import { summaryOf } from './call-view.ts'
import type { Inbound, InboundResponse } from './inbound.ts'
import { maskRequest } from './masked-request.ts'
import { parseLogLine } from './parse-log-line.ts'

/** Ended calls that stay in memory, because late log lines may belong to them. */
const MAX_ENDED_IN_MEMORY = 300
/** Limit of the running tasks that are read at the start. */
const MAX_RUNNING = 100_000
/** Limit per task: the first request and the latest retries. */
const MAX_REQUESTS = 5
const MAX_OUTGOING = 200
const MAX_LOG_LINES = 500
/** A task changes several times within milliseconds. */
const BATCH_MS = 200

type JournalContext = ViewContext & { cloud: Pick<LocalCloud, 'execution' | 'executions'> }

/**
 * Collects the calls from the events of the runtime, and saves them. After a restart, running tasks continue with their saved
 * records.
 */
export class Journal {
  readonly #context: JournalContext
  readonly #store: CallStore
  readonly #changed: (calls: CallSummary[], removed: string[]) => void
  /** Running calls and the latest ended ones. */
  readonly #records = new Map<string, CallRecord>()
  /** Name of an execution of the finisher, or of one that follows a task -> id of its call. */
  readonly #owners = new Map<string, string>()
  /** Name of an execution -> its current step. */
  readonly #steps = new Map<string, string>()
  readonly #dirty = new Set<string>()
  readonly #removed = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  /** @param changed receives the changed calls, in batches */
  constructor(context: JournalContext, store: CallStore, changed: (calls: CallSummary[], removed: string[]) => void) {
    this.#context = context
    this.#store = store
    this.#changed = changed
    const running = context.cloud.executions({ statuses: ['RUNNING'], limit: MAX_RUNNING })
    for (const execution of running.sort((a, b) => a.startedAt - b.startedAt)) this.#addExecution(execution)
    this.flush()
  }

  /** Returns a call by its id or a unique start of it. */
  record(id: string): CallRecord | undefined {
    this.flush()
    const complete = this.#store.completeId(id) ?? id
    return this.#records.get(complete) ?? this.#store.load(complete)?.record
  }

  /** @param id of the request, which also identifies the log lines of its invocation */
  received(id: string, request: Inbound): void {
    if (this.#isClosed) return
    this.#add({ id, at: request.at, requests: [request], outgoing: [], log: [], droppedCalls: 0 })
  }

  /** @param taskId of the task that the request has started or repeats */
  responded(id: string, response: InboundResponse, taskId: string | undefined): void {
    const record = this.#records.get(id)
    const [request] = record?.requests ?? []
    if (this.#isClosed || !record || !request) return
    request.response = response
    const task = taskId === undefined ? undefined : this.#own(taskId)
    if (!task) {
      this.#touch(record)
      return
    }
    task.requests.push(request)
    if (task.requests.length > MAX_REQUESTS) task.requests.splice(1, 1)
    task.at = Math.min(task.at, request.at)
    // The requests of the webhook precede those of its task.
    task.outgoing = [...record.outgoing, ...task.outgoing]
    task.log = [...record.log, ...task.log]
    this.#records.delete(id)
    this.#dirty.delete(id)
    this.#removed.add(id)
    this.#touch(task)
  }

  observe(seen: Observation): void {
    if (this.#isClosed) return
    if (seen.kind === 'execution') {
      if (seen.status === 'RUNNING') this.#addExecution({ ...seen, name: seen.execution, startedAt: seen.at })
      else this.#steps.delete(seen.execution)
    }
    if (seen.kind === 'operation') this.#step(seen)
    const name = seen.execution ?? ('requestId' in seen ? seen.requestId : undefined) ?? ''
    const record = this.#records.get(name) ?? this.#own(this.#owners.get(name) ?? name)
    if (!record) return
    if (seen.kind === 'log') this.#log(record, seen)
    if (seen.kind === 'request') addExchange(record, seen)
    this.#touch(record)
  }

  /** Saves all changes and reports them. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const calls = [...this.#dirty].flatMap((id): StoredCall[] => {
      const record = this.#records.get(id)
      return record ? [{ record, summary: summaryOf(record, this.#context) }] : []
    })
    const removed = [...this.#removed]
    this.#dirty.clear()
    this.#removed.clear()
    this.#store.save(calls, removed)
    this.#forget()
    const summaries = calls.map(({ summary }) => summary)
    if (calls.length + removed.length > 0) this.#changed(summaries, removed)
  }

  /** Saves all changes. Ignores all later events: tasks continue at the next start. */
  close(): void {
    this.flush()
    this.#isClosed = true
  }

  #log(record: CallRecord, seen: Extract<Observation, { kind: 'log' }>): void {
    const parsed = parseLogLine(seen, this.#steps.get(seen.execution ?? ''))
    if (!parsed) return
    const { outgoing, line, fields } = parsed
    if (fields) record.fields = { ...record.fields, ...fields }
    if (outgoing) record.outgoing.push(outgoing)
    if (line) record.log.push(line)
    if (record.outgoing.length > MAX_OUTGOING) record.droppedCalls += record.outgoing.splice(0, 1).length
    if (record.log.length > MAX_LOG_LINES) record.log.shift()
  }

  /** Records the current step. A retry is READY before it is STARTED again. */
  #step({ execution, name, type, status }: Extract<Observation, { kind: 'operation' }>): void {
    if (type === 'STEP' && name && (status === 'STARTED' || status === 'READY')) this.#steps.set(execution, name)
  }

  /** Returns a call, and keeps it in memory. */
  #own(id: string): CallRecord | undefined {
    if (id === '') return undefined
    const known = this.#records.get(id) ?? this.#store.load(id)?.record
    if (known) this.#records.set(id, known)
    return known
  }

  /** Adds the execution of a task, or assigns another execution to its task. */
  #addExecution({
    functionName,
    name,
    arn,
    startedAt,
  }: Pick<ExecutionSummary, 'functionName' | 'name' | 'arn' | 'startedAt'>) {
    if (functionName.endsWith('-task') && !isTask(name)) {
      const record = this.#own(taskIdOf(name))
      if (!record) return
      record.later = [...new Set(record.later).add(arn)]
      this.#owners.set(name, record.id)
      this.#touch(record)
    } else if (functionName.endsWith('-task')) {
      const known = this.#own(name)
      if (known) {
        known.arn = arn
        this.#touch(known)
      } else this.#add({ id: name, at: startedAt, requests: [], outgoing: [], log: [], droppedCalls: 0, arn })
    } else if (functionName === finisher) {
      const { detail } = JSON.parse(this.#context.cloud.execution(arn)?.input ?? '{}') as {
        detail?: Record<string, string>
      }
      const record = this.#own(detail?.['durableExecutionName'] ?? '')
      if (!record) return
      record.finisher = arn
      this.#owners.set(name, record.id)
      this.#touch(record)
    }
  }

  #add(record: CallRecord): void {
    this.#records.set(record.id, record)
    this.#touch(record)
  }

  #touch({ id }: CallRecord): void {
    this.#dirty.add(id)
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref()
  }

  /** Removes the oldest ended calls from memory. */
  #forget(): void {
    for (const record of this.#records.values()) {
      if (this.#records.size <= MAX_ENDED_IN_MEMORY) return
      if (this.#isRunning(record)) continue
      this.#records.delete(record.id)
      this.#steps.delete(record.id)
      for (const [name, owner] of this.#owners) if (owner === record.id) this.#owners.delete(name)
    }
  }

  #isRunning({ arn, requests }: CallRecord): boolean {
    if (arn === undefined) return requests.at(-1)?.response === undefined
    return this.#context.cloud.execution(arn)?.status === 'RUNNING'
  }
}

/** Adds the headers and bodies to the latest request that a log line has reported. */
function addExchange(record: CallRecord, sent: Extract<Observation, { kind: 'request' }>): void {
  const outgoing = record.outgoing.findLast(
    ({ method, status, exchange }) => method === sent.method && status === sent.status && !exchange,
  )
  if (outgoing) outgoing.exchange = maskRequest(sent, outgoing.path)
}
