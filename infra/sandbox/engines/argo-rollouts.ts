import { tokenHash } from '../../project/token-hash.ts'
import type { Engine, EngineResponse } from './engine.ts'
import type { Ending } from './runs.ts'
import { pathOf } from './step.ts'
import { readTaskStatus } from './task-status.ts'

/** The values of docs/callers/argo-rollouts.md, with a shorter interval. The real one repeats an error after 10 s. */
const METRIC = { intervalMs: 1_000, count: 3_600, inconclusiveLimit: 3_600, consecutiveErrorLimit: 30 }

const SUCCESS: readonly unknown[] = ['pass', 'warning']
const FAILURE: readonly unknown[] = ['fail', 'errored', 'aborted']

interface Measurement {
  phase: 'Successful' | 'Failed' | 'Inconclusive' | 'Error'
  value: string
}

/**
 * Simulates an AnalysisRun with a web metric: it asks the gate at each interval, and evaluates its two conditions on the verdict.
 *
 * @see https://github.com/argoproj/argo-rollouts/blob/master/metricproviders/webmetric/webmetric.go (Run)
 * @see https://github.com/argoproj/argo-rollouts/blob/master/analysis/analysis.go (assessMetricStatus)
 */
export const argoRollouts: Engine = {
  name: 'argo-rollouts',
  title: 'Argo Rollouts',
  summary: 'A web metric asks a gate until the verdict is final.',

  secrets: ({ credential }) => ({
    callers: { 'argo-rollouts': { tokens: [tokenHash(credential('token'))], categories: ['*'] } },
  }),

  async run({ id, step }, client) {
    const { data, input } = step
    const request = {
      path: pathOf(step, { mode: 'gate', key: id }),
      headers: { authorization: `Bearer ${client.credential('token')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ data, input }),
      isPoll: true,
    } as const
    let [errors, inconclusive] = [0, 0]
    for (let count = 0; count < METRIC.count && inconclusive <= METRIC.inconclusiveLimit; count++) {
      const response = await client.send(request)
      const { phase, value } = measure(response)
      client.say(`${phase}: ${value}`)
      const { verdict, message } = readTaskStatus(response.body)
      if (phase === 'Successful' || phase === 'Failed') return { verdict: verdict as Ending['verdict'], message }
      errors = phase === 'Error' ? errors + 1 : 0
      if (errors > METRIC.consecutiveErrorLimit)
        return { verdict: 'errored', message: `${errors} errors in a row: ${value}` }
      if (phase === 'Inconclusive') inconclusive++
      await client.sleep(METRIC.intervalMs)
    }
    return { verdict: 'errored', message: 'The analysis is inconclusive.' }
  },
}

/** Evaluates a response with `jsonPath: "{$.verdict}"` and both conditions. */
function measure({ status, body }: EngineResponse): Measurement {
  if (status === 0) return { phase: 'Error', value: 'no response' }
  if (status < 200 || status >= 300) return { phase: 'Error', value: `received non 2xx response code: ${status}` }
  const { verdict } = readTaskStatus(body)
  if (verdict === undefined) return { phase: 'Error', value: 'Could not find JSONPath in body' }
  if (FAILURE.includes(verdict)) return { phase: 'Failed', value: verdict }
  return { phase: SUCCESS.includes(verdict) ? 'Successful' : 'Inconclusive', value: verdict }
}
