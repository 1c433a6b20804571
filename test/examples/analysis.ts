import { setTimeout as sleep } from 'node:timers/promises'

/** An argument of an analysis. */
export interface Argument {
  name: string
  value?: string
  valueFrom?: { secretKeyRef?: { name: string; key: string }; podTemplateHashValue?: 'Latest' }
}

/** The parts of a metric that a web provider uses. */
export interface Metric {
  count: number
  inconclusiveLimit: number
  failureLimit: number
  consecutiveSuccessLimit: number
  consecutiveErrorLimit: number
  successCondition: string
  failureCondition: string
  provider: {
    web: Record<'method' | 'url' | 'jsonPath', string> & {
      headers: { key: string; value: string }[]
      jsonBody: { input: { parameters?: object } }
    }
  }
}

type Phase = 'Successful' | 'Failed' | 'Inconclusive' | 'Error'

const POLL_MS = 100

/**
 * Measures a metric until its phase is final.
 *
 * @param args the values of `{{args.<name>}}`
 * @param send sends each request
 * @see https://github.com/argoproj/argo-rollouts/blob/master/analysis/analysis.go (assessMetricStatus)
 */
export async function analyze(metric: Metric, args: Record<string, string>, send: typeof fetch): Promise<Phase> {
  const counts = { Successful: 0, Failed: 0, Inconclusive: 0, Error: 0 }
  for (let count = 0; count < metric.count; count++) {
    const phase = await measure(metric, args, send)
    counts[phase]++
    if (phase !== 'Error') counts.Error = 0
    if (counts.Failed > metric.failureLimit) return 'Failed'
    if (counts.Error > metric.consecutiveErrorLimit) return 'Error'
    if (counts.Inconclusive > metric.inconclusiveLimit) return 'Inconclusive'
    if (counts.Successful >= metric.consecutiveSuccessLimit) return 'Successful'
    await sleep(POLL_MS)
  }
  return 'Inconclusive'
}

async function measure(metric: Metric, args: Record<string, string>, send: typeof fetch): Promise<Phase> {
  const { method, url, headers, jsonBody, jsonPath } = metric.provider.web
  const resolve = (text: string) => text.replace(/\{\{args\.([\w-]+)\}\}/g, (_all, name) => args[name] ?? `no ${name}`)
  const response = await send(resolve(url), {
    method,
    headers: headers.map(({ key, value }): [string, string] => [key, resolve(value)]),
    body: resolve(JSON.stringify(jsonBody)),
  })
  const field = /^\{\$\.(\w+)\}$/.exec(jsonPath)?.[1]
  const body = (await response.json()) as Record<string, unknown>
  const result = field === undefined ? undefined : body[field]
  if (!response.ok || result === undefined) return 'Error'
  const [isSuccess, isFailure] = [holds(metric.successCondition, result), holds(metric.failureCondition, result)]
  return isFailure ? 'Failed' : isSuccess ? 'Successful' : 'Inconclusive'
}

/** Evaluates `result in ["a", "b"]`. */
function holds(condition: string, result: unknown): boolean {
  const [, list] = /^result in (\[.+\])$/.exec(condition) ?? []
  if (list === undefined) throw new Error(`Cannot evaluate the condition: ${condition}`)
  return JSON.parse(list).includes(result)
}
