import { finisher } from '../../build/main.ts'
import type { ExecutionSummary, LocalCloud, Observation } from '../cloud/index.ts'
import type { Inbound, InboundAnswer } from './inbound.ts'
import { type Outgoing, readLine, type Trouble } from './log-lines.ts'

/** What belongs to one call: the requests that brought it, the task that it started, and the calls out. */
export interface Entry {
  /** The id of the task, or of the request where there is none. */
  id: string
  /** Milliseconds since 1970. */
  at: number
  /** The oldest first. */
  requests: Inbound[]
  outgoing: Outgoing[]
  troubles: Trouble[]
  /** How many calls out came before those that are kept. */
  forgotten: number
  /** ARN of the task's execution. */
  arn?: string
  /** ARN of what answers for a task that Lambda has ended. */
  finisher?: string
}

/** Told of what has changed, and of what is not kept any more. */
interface Listener {
  changed(id: string): void
  gone(id: string): void
}

const mostEntries = 300
/** Of the tasks that are read at the start. */
const MAX_RUNNING = 100_000
/** Of one task: the first, and the newest of its repeats. */
const mostRequests = 5
const mostOutgoing = 200
const mostTroubles = 50

function nothingYet(): Pick<Entry, 'outgoing' | 'troubles' | 'forgotten'> {
  return { outgoing: [], troubles: [], forgotten: 0 }
}

/**
 * Puts together what belongs to one call, from what the runtime observes. It keeps every call that runs and up to 300 calls
 * in all, the newest ones. After a restart it reads the tasks among them from the state folder, but not their requests and
 * calls out.
 */
export class Journal {
  readonly #cloud: Pick<LocalCloud, 'execution' | 'executions'>
  readonly #listener: Listener
  readonly #entries = new Map<string, Entry>()
  /** The name of an execution, or the id of a request -> the entry that it belongs to. */
  readonly #owners = new Map<string, string>()
  /** Execution -> the step that it is at. */
  readonly #steps = new Map<string, string>()
  /** The entries whose task runs. */
  readonly #running = new Set<string>()
  #hasDropped = false

  constructor(cloud: Pick<LocalCloud, 'execution' | 'executions'>, listener: Listener) {
    this.#cloud = cloud
    this.#listener = listener
    const newest = cloud.executions({ limit: mostEntries })
    const running = cloud.executions({ statuses: ['RUNNING'], limit: MAX_RUNNING })
    const known = new Map([...newest, ...running].map((execution) => [execution.arn, execution]))
    for (const execution of [...known.values()].sort((a, b) => a.startedAt - b.startedAt)) this.#adopt(execution)
    this.#hasDropped ||= newest.length === mostEntries
  }

  /** Whether there were older calls, which are no longer kept. */
  get hasDropped(): boolean {
    return this.#hasDropped
  }

  /** The newest first. */
  entries(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => b.at - a.at)
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** The newest call of an address that a request has come for. */
  newestOf(path: string): Entry | undefined {
    const came = (entry: Entry) => entry.requests.findLast((request) => request.path === path)?.at ?? 0
    const [newest] = this.entries()
      .filter((entry) => came(entry) > 0)
      .sort((a, b) => came(b) - came(a))
    return newest
  }

  /** @param id under which the log lines of its invocation come */
  received(id: string, request: Inbound): void {
    this.#keep({ id, at: request.at, requests: [request], ...nothingYet() })
  }

  /** @param taskId of the task that the request has started, or that it is a repeat of */
  answered(id: string, answer: InboundAnswer, taskId: string | undefined): void {
    const entry = this.#entries.get(id)
    const [request] = entry?.requests ?? []
    if (!entry || !request) return
    request.answer = answer
    const task = taskId === undefined ? undefined : this.#entries.get(taskId)
    if (!task) {
      this.#listener.changed(id)
      return
    }
    task.requests.push(request)
    if (task.requests.length > mostRequests) task.requests.splice(1, 1)
    task.at = Math.min(task.at, request.at)
    // What the webhook itself has sent comes before what its task does.
    task.outgoing = [...entry.outgoing, ...task.outgoing]
    task.troubles = [...entry.troubles, ...task.troubles]
    this.#drop(entry)
    this.#listener.changed(task.id)
  }

  observe(seen: Observation): void {
    if (seen.kind === 'execution') {
      if (seen.status === 'RUNNING') this.#adopt({ ...seen, name: seen.execution, startedAt: seen.at })
      else {
        this.#steps.delete(seen.execution)
        this.#running.delete(seen.execution)
      }
    }
    if (seen.kind === 'operation') this.#step(seen)
    const entry = this.#ownerOf(seen)
    if (!entry) return
    if (seen.kind === 'log') {
      const line = readLine(seen, this.#steps.get(seen.execution ?? ''))
      if (!line) return
      if ('outgoing' in line) entry.outgoing.push(line.outgoing)
      else entry.troubles.push(line.trouble)
      if (entry.outgoing.length > mostOutgoing) entry.forgotten += entry.outgoing.splice(0, 1).length
      if (entry.troubles.length > mostTroubles) entry.troubles.shift()
    }
    this.#listener.changed(entry.id)
  }

  /** What its calls out are for; a retry is READY before it is STARTED again. */
  #step({ execution, name, type, status }: Extract<Observation, { kind: 'operation' }>): void {
    if (type === 'STEP' && name && (status === 'STARTED' || status === 'READY')) this.#steps.set(execution, name)
  }

  #ownerOf(seen: Observation): Entry | undefined {
    const name = seen.execution ?? ('requestId' in seen ? seen.requestId : undefined) ?? ''
    return this.#entries.get(name) ?? this.#entries.get(this.#owners.get(name) ?? '')
  }

  /** Takes an execution in: as a task, or as what answers for one that Lambda has ended. */
  #adopt({
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
      else this.#keep({ id: name, at: startedAt, requests: [], ...nothingYet(), arn })
    } else if (functionName === finisher) {
      const { detail } = JSON.parse(this.#cloud.execution(arn)?.input ?? '{}') as { detail?: Record<string, string> }
      const entry = this.#entries.get(detail?.['durableExecutionName'] ?? '')
      if (!entry) return
      entry.finisher = arn
      this.#owners.set(name, entry.id)
    }
  }

  #keep(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size <= mostEntries) break
      if (this.#isRunning(oldest)) continue
      this.#hasDropped = true
      this.#drop(oldest)
    }
    this.#listener.changed(entry.id)
  }

  #isRunning({ id, arn, requests }: Entry): boolean {
    return this.#running.has(id) || (arn === undefined && requests.at(-1)?.answer === undefined)
  }

  #drop({ id }: Entry): void {
    this.#entries.delete(id)
    this.#steps.delete(id)
    for (const [name, owner] of this.#owners) if (owner === id) this.#owners.delete(name)
    this.#listener.gone(id)
  }
}
