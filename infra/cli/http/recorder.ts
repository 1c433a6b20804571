import { messageOf } from '../../../shared/errors.ts'
import type { HttpResponse, SentRequest } from '../../../shared/http/exchange.ts'
import { listen, type TraceEvent } from '../../../shared/http/trace.ts'
import { type ExpressionNames, findIn } from '../../../shared/vendors/http/expression.ts'

/** An expression of a connection that was evaluated on a response. */
export interface Evaluated {
  /** Its field in the connection: `ticket.id`. */
  where: string
  text: string
  /** The variables of the expression. `response` is the part of the response that `at` selects. */
  names: Record<string, unknown>
  /** Undefined if the expression finds nothing. */
  found?: unknown
  /** Why the evaluation failed. */
  problem?: string
}

/** A request of a connection and its response. */
export interface Step {
  /** Its field in the connection: `open`. */
  name: string
  /** Absent if the request could not be built. */
  request?: SentRequest
  /** Whether a dry run did not send the request. */
  held?: true
  response?: Pick<HttpResponse, 'status' | 'body'>
  /** Why there is no response. */
  error?: string
  expressions: Evaluated[]
}

const HELD: HttpResponse = { status: 204, headers: {}, body: undefined }

/** Records the requests of a connection and what its expressions find. */
export class Recorder {
  readonly steps: Step[] = []
  /** The step whose response the next expressions read. */
  #current: Step | undefined
  readonly #stop: () => void

  constructor() {
    this.#stop = listen((event) => this.#record(event))
  }

  stop(): void {
    this.#stop()
  }

  /** Records a request without sending it, and returns an empty response. For `intercept` of `connect`. */
  hold(request: SentRequest): HttpResponse {
    const step = this.#next()
    if (step) Object.assign(step, { request, held: true })
    this.#current = step
    return HELD
  }

  /** Whether the last request could not be built. */
  get isIncomplete(): boolean {
    return this.#next() !== undefined
  }

  #record(event: TraceEvent): void {
    if (event.kind === 'request') this.#start(event.name)
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

  #start(name: string): void {
    // A login runs while the request that needs it is being built.
    const index = this.#next() ? this.steps.length - 1 : this.steps.length
    this.steps.splice(index, 0, { name, expressions: [] })
  }

  /** The step whose request is being built. */
  #next(): Step | undefined {
    return this.steps.find(({ request }) => request === undefined)
  }

  #evaluated({ kind: _, names, ...event }: Extract<TraceEvent, { kind: 'expression' }>): void {
    const step = this.#current
    if (!step || step.held || !('response' in names)) return
    const index = step.expressions.findIndex(({ where }) => where === event.where)
    const expression: Evaluated = { ...event, names: { ...names } }
    if (index < 0) step.expressions.push(expression)
    else step.expressions[index] = expression
  }
}

/** Returns which result fields of the connection are read from the response of a request. */
function resultsOf(step: string): [group: string, fields?: string[]] {
  if (step === 'start') return ['run', ['id', 'url']]
  if (step === 'look') return ['run', ['state', 'step', 'reason', 'url', 'output']]
  return ['ticket']
}

/** Adds the expressions that were not evaluated because an earlier one failed. */
export function withRest(step: Step, connection: Record<string, unknown>): Step {
  const [group, fields] = resultsOf(step.name)
  const started = step.expressions.find(({ where }) => where.startsWith(`${group}.`))
  if (!started) return step
  const known = Object.entries((connection[group] ?? {}) as Record<string, string>)
  const due = known
    .map(([field, text]) => ({ field, where: `${group}.${field}`, text, names: started.names }))
    .filter(({ field, where }) => field !== 'gone' && (fields?.includes(field) ?? true) && !has(step, where))
  return {
    ...step,
    expressions: [...step.expressions, ...due.map(({ field: _, ...expression }) => evaluated(expression))],
  }
}

function has({ expressions }: Step, where: string): boolean {
  return expressions.some((expression) => expression.where === where)
}

function evaluated(expression: Evaluated): Evaluated {
  try {
    const found = findIn(expression.text, expression.names as ExpressionNames, expression.where)
    return found === undefined ? expression : { ...expression, found }
  } catch (error) {
    return { ...expression, problem: messageOf(error) }
  }
}
