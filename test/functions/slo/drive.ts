import { actions } from '../../../functions/slo/actions.ts'
import { parseEvent } from '../../../shared/orchestrators/keptn/event.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import { completeInput, type PollResult } from '../../../shared/providers/action.ts'
import type { EvaluationProvider } from '../../../shared/providers/evaluation/provider.ts'
import type { Message } from '../../../shared/providers/message.ts'
import type { ReportProvider } from '../../../shared/providers/report.ts'
import { validate } from '../../../shared/validate.ts'
import { clientOf } from '../helpers.ts'

type ClientOptions = NonNullable<Parameters<typeof clientOf>[2]>

interface Options extends ClientOptions {
  /** Of the event's `data`, beside project, stage and service. */
  data?: object
  /** The task of the event, where not an evaluation. */
  task?: string
  orchestrator?: string
  interactive?: boolean
}

/** What has not happened within so many looks does not happen. */
const mostLooks = 20

const event = (data: object = {}, task = 'evaluation') =>
  parseEvent({
    id: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a10',
    type: `sh.keptn.event.${task}.triggered`,
    shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
  })

/** Requests an evaluation as the framework does, and looks until it has ended. */
export async function evaluate(
  provider: unknown,
  connection: object,
  input: object,
  { data, task, orchestrator, interactive = false, ...options }: Options = {},
): Promise<Outcome> {
  const platform = provider as EvaluationProvider
  const values = platform.connection.parse(connection)
  const action = actions['request-evaluation']
  const from = { event: event(data, task), connection: values, provider: platform, orchestrator, silent: !interactive }
  const asked = validate(action.input, input, { what: 'The input', root: 'input' })
  // What a task keeps is JSON.
  const kept = JSON.parse(JSON.stringify(await completeInput(action, asked, from)))
  const client = clientOf(platform, values, options)
  const done = await action.run(platform, client, kept)
  if (!('outcome' in done)) return done
  if (!('job' in done)) return done.outcome
  let { job: pending } = done
  for (let looks = 0; looks < mostLooks; looks++) {
    const seen: PollResult | undefined = await action.job?.getStatus(platform, client, kept, pending)
    if (!seen) break
    if ('outcome' in seen) return seen.outcome
    pending = JSON.parse(JSON.stringify(seen.job ?? pending))
  }
  return done.outcome
}

/** An evaluation as an event carries it. */
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

/** Pushes a report of `evaluated`, or of what `data` holds, as the framework does. */
export async function report(
  provider: unknown,
  connection: object,
  input: object,
  { data, ...options }: Omit<Options, 'task' | 'orchestrator' | 'interactive'> = {},
): Promise<Outcome> {
  const platform = provider as ReportProvider
  const values = platform.connection.parse(connection)
  const action = actions['push-report']
  const told = parseEvent({
    id: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a11',
    type: 'sh.keptn.event.evaluation.finished',
    shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
    data: {
      ...{ project: 'shop', stage: 'production', service: 'checkout' },
      ...{ status: 'succeeded', result: 'warning', labels: { team: 'shop' }, evaluation: evaluated },
      ...data,
    },
  })
  const asked = validate(action.input, input, { what: 'The input', root: 'input' })
  const bridgeUrl = 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e'
  const from = { event: told, connection: values, provider: platform, bridgeUrl }
  const kept = JSON.parse(JSON.stringify(await completeInput(action, asked, from))) as {
    to: object
    report: { message: Message }
  }
  const done = await action.run(platform, clientOf(platform, values, options), kept as never)
  if ('outcome' in done) throw new Error('A report goes on.')
  return done
}
