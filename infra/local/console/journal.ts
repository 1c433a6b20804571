import { finisher } from '../../build/main.ts'
import type { ExecutionSummary, LocalCloud, Observation } from '../cloud/index.ts'
import type { Inbound, InboundResponse } from './inbound.ts'
import { type LogMessage, type Outgoing, parseLogLine } from './parse-log-line.ts'

/** A call: its requests, its task, and its outgoing calls. */
export interface Entry {
  /** Id of the task, or of the request if there is no task. */
  id: string
  /** Milliseconds since 1970. */
  at: number
  /** Oldest first. */
  requests: Inbound[]
  outgoing: Outgoing[]
  warnings: LogMessage[]
  /** Number of older outgoing calls that were dropped. */
  droppedCalls: number
  /** ARN of the execution of the task. */
  arn?: string
  /** ARN of the execution of the finisher. */
  finisher?: string
}

interface Listener {
  changed(id: string): void
  removed(id: string): void
}

const MAX_ENTRIES = 300
/** Limit of the running tasks that are read at the start. */
const MAX_RUNNING = 100_000
/** Limit per task: the first request and the latest retries. */
const MAX_REQUESTS = 5
const MAX_OUTGOING = 200
const MAX_WARNINGS = 50

function emptyRecords(): Pick<Entry, 'outgoing' | 'warnings' | 'droppedCalls'> {
  return { outgoing: [], warnings: [], droppedCalls: 0 }
}

/**
 * Collects the calls from the events of the runtime. Retains all running calls and the latest calls, up to 300. After a
 * restart, reads the tasks from the state folder, without their requests and outgoing calls.
 */
export class Journal {
  readonly #cloud: Pick<LocalCloud, 'execution' | 'executions'>
  readonly #listener: Listener
  readonly #entries = new Map<string, Entry>()
  /** Name of a finisher execution -> id of its entry. */
  readonly #owners = new Map<string, string>()
  /** Name of an execution -> its current step. */
  readonly #steps = new Map<string, string>()
  /** Ids of the entries whose task is running. */
  readonly #running = new Set<string>()
  #hasDropped = false

  constructor(cloud: Pick<LocalCloud, 'execution' | 'executions'>, listener: Listener) {
    this.#cloud = cloud
    this.#listener = listener
    const latest = cloud.executions({ limit: MAX_ENTRIES })
    const running = cloud.executions({ statuses: ['RUNNING'], limit: MAX_RUNNING })
    const known = new Map([...latest, ...running].map((execution) => [execution.arn, execution]))
    for (const execution of [...known.values()].sort((a, b) => a.startedAt - b.startedAt)) this.#addExecution(execution)
    this.#hasDropped ||= latest.length === MAX_ENTRIES
  }

  /** Whether older calls were dropped. */
  get hasDropped(): boolean {
    return this.#hasDropped
  }

  /** Returns all entries, newest first. */
  entries(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => b.at - a.at)
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Returns the call that received the latest request for a path. */
  latestOf(path: string): Entry | undefined {
    const receivedAt = (entry: Entry) => entry.requests.findLast((request) => request.path === path)?.at ?? 0
    const [latest] = this.entries()
      .filter((entry) => receivedAt(entry) > 0)
      .sort((a, b) => receivedAt(b) - receivedAt(a))
    return latest
  }

  /** @param id of the request, which also identifies the log lines of its invocation */
  received(id: string, request: Inbound): void {
    this.#add({ id, at: request.at, requests: [request], ...emptyRecords() })
  }

  /** @param taskId of the task that the request has started or repeats */
  responded(id: string, response: InboundResponse, taskId: string | undefined): void {
    const entry = this.#entries.get(id)
    const [request] = entry?.requests ?? []
    if (!entry || !request) return
    request.response = response
    const task = taskId === undefined ? undefined : this.#entries.get(taskId)
    if (!task) {
      this.#listener.changed(id)
      return
    }
    task.requests.push(request)
    if (task.requests.length > MAX_REQUESTS) task.requests.splice(1, 1)
    task.at = Math.min(task.at, request.at)
    // The calls of the webhook precede the calls of its task.
    task.outgoing = [...entry.outgoing, ...task.outgoing]
    task.warnings = [...entry.warnings, ...task.warnings]
    this.#remove(entry)
    this.#listener.changed(task.id)
  }

  observe(seen: Observation): void {
    if (seen.kind === 'execution') {
      if (seen.status === 'RUNNING') this.#addExecution({ ...seen, name: seen.execution, startedAt: seen.at })
      else {
        this.#steps.delete(seen.execution)
        this.#running.delete(seen.execution)
      }
    }
    if (seen.kind === 'operation') this.#step(seen)
    const entry = this.#ownerOf(seen)
    if (!entry) return
    if (seen.kind === 'log') {
      const line = parseLogLine(seen, this.#steps.get(seen.execution ?? ''))
      if (!line) return
      if ('outgoing' in line) entry.outgoing.push(line.outgoing)
      else entry.warnings.push(line.warning)
      if (entry.outgoing.length > MAX_OUTGOING) entry.droppedCalls += entry.outgoing.splice(0, 1).length
      if (entry.warnings.length > MAX_WARNINGS) entry.warnings.shift()
    }
    this.#listener.changed(entry.id)
  }

  /** Records the current step. A retry is READY before it is STARTED again. */
  #step({ execution, name, type, status }: Extract<Observation, { kind: 'operation' }>): void {
    if (type === 'STEP' && name && (status === 'STARTED' || status === 'READY')) this.#steps.set(execution, name)
  }

  #ownerOf(seen: Observation): Entry | undefined {
    const name = seen.execution ?? ('requestId' in seen ? seen.requestId : undefined) ?? ''
    return this.#entries.get(name) ?? this.#entries.get(this.#owners.get(name) ?? '')
  }

  /** Adds the execution of a task, or assigns the execution of the finisher to its task. */
  #addExecution({
    functionName,
    name,
    arn,
    startedAt,
    status,
  }: Pick<ExecutionSummary, 'functionName' | 'name' | 'arn' | 'startedAt' | 'status'>) {
    if (functionName.endsWith('-task')) {
      if (status === 'RUNNING') this.#running.add(name)
      const known = this.#entries.get(name)
      if (known) known.arn = arn
      else this.#add({ id: name, at: startedAt, requests: [], ...emptyRecords(), arn })
    } else if (functionName === finisher) {
      const { detail } = JSON.parse(this.#cloud.execution(arn)?.input ?? '{}') as { detail?: Record<string, string> }
      const entry = this.#entries.get(detail?.['durableExecutionName'] ?? '')
      if (!entry) return
      entry.finisher = arn
      this.#owners.set(name, entry.id)
    }
  }

  #add(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size <= MAX_ENTRIES) break
      if (this.#isRunning(oldest)) continue
      this.#hasDropped = true
      this.#remove(oldest)
    }
    this.#listener.changed(entry.id)
  }

  #isRunning({ id, arn, requests }: Entry): boolean {
    return this.#running.has(id) || (arn === undefined && requests.at(-1)?.response === undefined)
  }

  #remove({ id }: Entry): void {
    this.#entries.delete(id)
    this.#steps.delete(id)
    for (const [name, owner] of this.#owners) if (owner === id) this.#owners.delete(name)
    this.#listener.removed(id)
  }
}
