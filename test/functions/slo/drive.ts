import { actions } from '../../../functions/slo/actions.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import { completeInput, type PollResult } from '../../../shared/providers/action.ts'
import type { EvaluationProvider } from '../../../shared/providers/evaluation/provider.ts'
import type { ReportProvider } from '../../../shared/providers/report.ts'
import { validate } from '../../../shared/validate.ts'
import { clientOf } from '../client.ts'

type ClientOptions = NonNullable<Parameters<typeof clientOf>[2]>

export interface ReportOptions extends ClientOptions {
  /** Replaces parts of the event's `data`. */
  data?: object
}

export interface EvaluateOptions extends ReportOptions {
  /** The task of the event. Defaults to evaluation. */
  task?: string
  orchestrator?: string
  interactive?: boolean
}

const MAX_POLLS = 20

const eventOf = (type: string, data: object = {}) =>
  parseEvent({
    id: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a11',
    type: `sh.keptn.event.${type}`,
    shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
  })

/** Requests an evaluation as the framework does, and polls it until it ends. */
export async function evaluate(
  provider: unknown,
  connection: object,
  input: object,
  { data, task = 'evaluation', orchestrator, interactive = false, ...options }: EvaluateOptions = {},
): Promise<Outcome> {
  const platform = provider as EvaluationProvider
  const values = platform.connection.parse(connection)
  const action = actions['request-evaluation']
  const event = eventOf(`${task}.triggered`, data)
  const from = { event, connection: values, provider: platform, orchestrator, silent: !interactive }
  const parsed = validate(action.input, input, { what: 'The input', root: 'input' })
  const completed = asJson(await completeInput(action, parsed, from))
  const client = clientOf(platform, values, options)
  const done = await action.run(platform, client, completed)
  if (done.type !== 'started') return done.outcome
  let job = done.job
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const polled: PollResult | undefined = await action.job?.getStatus(platform, client, completed, job)
    if (!polled) break
    if ('outcome' in polled) return polled.outcome
    job = asJson(polled.job ?? job)
  }
  return done.outcome
}

/** An evaluation as an event contains it. */
export const evaluated = {
  result: 'warning',
  score: 75,
  scoreText: '75',
  timeStart: '2026-11-24T10:00:00Z',
  timeEnd: '2026-11-24T10:05:00Z',
  indicatorResults: [
    {
      displayName: 'Response time p95',
      status: 'pass',
      score: 1,
      keySli: true,
      value: { metric: 'response_time_p95', value: 312.4, success: true },
      passTargets: [{ criteria: '<=400', targetValue: 400, violated: false }],
      warningTargets: [],
    },
    {
      displayName: 'error_rate',
      status: 'warning',
      score: 0.5,
      keySli: false,
      value: { metric: 'error_rate', value: 1.2, success: true },
      passTargets: [{ criteria: '<1', targetValue: 1, violated: true }],
      warningTargets: [{ criteria: '<2', targetValue: 2, violated: false }],
    },
  ],
}

/** Pushes a report of `evaluated`, or of the evaluation in `data`, as the framework does. */
export async function report(
  provider: unknown,
  connection: object,
  input: object,
  { data, ...options }: ReportOptions = {},
): Promise<Outcome> {
  const platform = provider as ReportProvider
  const values = platform.connection.parse(connection)
  const action = actions['push-report']
  const event = eventOf('evaluation.finished', {
    status: 'succeeded',
    result: 'warning',
    labels: { team: 'shop' },
    evaluation: evaluated,
    ...data,
  })
  const parsed = validate(action.input, input, { what: 'The input', root: 'input' })
  const sequenceUrl = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
  const from = { event, connection: values, provider: platform, sequenceUrl }
  const completed = asJson(await completeInput(action, parsed, from))
  return action.run(platform, clientOf(platform, values, options), completed)
}

/** A task saves its values as JSON. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
