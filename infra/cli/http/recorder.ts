import { messageOf } from '../../../shared/errors.ts'
import type { HttpResponse, SentRequest } from '../../../shared/http/client.ts'
import { listen, type TraceEvent } from '../../../shared/http/trace.ts'
import { findIn, type Names } from '../../../shared/vendors/http/expression.ts'

/** An expression of a connection that was evaluated on a response. */
export interface Evaluated {
  /** Its field in the connection: `ticket.id`. */
  where: string
  text: string
  /** What it could read; `response` is what `at` found. */
  names: Record<string, unknown>
  /** Undefined if it found nothing. */
  found?: unknown
  /** Why it could not be evaluated. */
  problem?: string
}

/** A request of a connection, and what became of it. */
export interface Step {
  /** Its field in the connection: `open`. */
  name: string
  /** Absent if the request could not be made. */
  request?: SentRequest
  /** Whether it was held back, as in a dry run. */
  held?: true
  response?: Pick<HttpResponse, 'status' | 'body'>
  /** Why there was no response. */
  error?: string
  expressions: Evaluated[]
}

const HELD: HttpResponse = { status: 204, headers: {}, body: undefined }

/** Records the requests of a connection, with what its expressions found. */
export class Recorder {
  readonly steps: Step[] = []
  /** That of the last request that went out or was held back: later expressions read its response. */
  #current: Step | undefined
  readonly #stop: () => void

  constructor() {
    this.#stop = listen((event) => this.#record(event))
  }

  stop(): void {
    this.#stop()
  }

  /** Holds a request back, and answers it with no content. For `intercept` of `connect`. */
  hold(request: SentRequest): HttpResponse {
    const step = this.#next()
    if (step) Object.assign(step, { request, held: true })
    this.#current = step
    return HELD
  }

  /** Whether the last request could not be made. */
  get isIncomplete(): boolean {
    return this.#next() !== undefined
  }

  #record(event: TraceEvent): void {
    if (event.kind === 'request') this.#begin(event.name)
    else if (event.kind === 'expression') this.#evaluated(event)
    else this.#exchanged(event)
  }

  #exchanged({ request, response: answer, error }: Extract<TraceEvent, { kind: 'exchange' }>): void {
    const step = this.#next() ?? this.#current
    if (!step) return
    step.request = request
    if (answer) step.response = { status: answer.status, body: answer.body }
    else step.error = messageOf(error)
    this.#current = step
  }

  #begin(name: string): void {
    // A login is needed while the request that needs it is being made.
    const at = this.#next() ? this.steps.length - 1 : this.steps.length
    this.steps.splice(at, 0, { name, expressions: [] })
  }

  /** The one that is being made. */
  #next(): Step | undefined {
    return this.steps.find(({ request }) => request === undefined)
  }

  #evaluated({ kind: _, names, ...event }: Extract<TraceEvent, { kind: 'expression' }>): void {
    const step = this.#current
    if (!step || step.held || !('response' in names)) return
    const at = step.expressions.findIndex(({ where }) => where === event.where)
    const one: Evaluated = { ...event, names: { ...names } }
    if (at < 0) step.expressions.push(one)
    else step.expressions[at] = one
  }
}

/** What the connection says of a ticket or a run, as far as a request is read for it. */
function resultsOf(step: string): [group: string, fields?: string[]] {
  if (step === 'start') return ['run', ['id', 'url']]
  if (step === 'look') return ['run', ['state', 'step', 'reason', 'url', 'output']]
  return ['ticket']
}

/** The step with the expressions that were not evaluated because an earlier one failed. */
export function withRest(step: Step, connection: Record<string, unknown>): Step {
  const [group, fields] = resultsOf(step.name)
  const started = step.expressions.find(({ where }) => where.startsWith(`${group}.`))
  if (!started) return step
  const known = Object.entries((connection[group] ?? {}) as Record<string, string>)
  const due = known
    .map(([field, text]) => ({ field, where: `${group}.${field}`, text, names: started.names }))
    .filter(({ field, where }) => field !== 'gone' && (fields?.includes(field) ?? true) && !has(step, where))
  return { ...step, expressions: [...step.expressions, ...due.map(({ field: _, ...one }) => evaluated(one))] }
}

function has({ expressions }: Step, where: string): boolean {
  return expressions.some((one) => one.where === where)
}

function evaluated(one: Evaluated): Evaluated {
  try {
    const found = findIn(one.text, one.names as unknown as Names, one.where)
    return found === undefined ? one : { ...one, found }
  } catch (error) {
    return { ...one, problem: messageOf(error) }
  }
}
