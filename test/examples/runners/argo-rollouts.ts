import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { parse } from 'yaml'
import type { Service } from '../../e2e/service.ts'
import { type Argument, analyze, type Metric } from '../analysis.ts'
import type { Setting, Timeline } from './example.ts'
import { callersOf, HOST, read, tokenOf } from './files.ts'

interface Step {
  analysis?: { templates: { templateName: string }[]; args: Argument[] }
}

/** Argo Rollouts measures the metric of analysis-template.yaml at the step of rollout.yaml. */
export async function argoRollouts(): Promise<Setting> {
  const script = 'argo-rollouts/deploy.sh'
  const template = parse(read('argo-rollouts/analysis-template.yaml'))
  const [metric] = template.spec.metrics as [Metric]
  const steps: Step[] = parse(read('argo-rollouts/rollout.yaml')).spec.strategy.canary.steps
  const { templates, args } = steps.find(({ analysis }) => analysis)?.analysis ?? { templates: [], args: [] }
  assert.deepEqual(templates, [{ templateName: template.metadata.name }])
  const [, secret, key] = /secret generic (\S+) --from-file (\w+)=/.exec(read(script)) ?? []

  /** Returns the values that Argo Rollouts gives to the arguments. */
  const argumentsOf = (version: string) =>
    [...(template.spec.args as Argument[]), ...args].map(({ name, value, valueFrom }) => {
      const { podTemplateHashValue, secretKeyRef } = valueFrom ?? {}
      const token = secretKeyRef?.name === secret && secretKeyRef?.key === key ? tokenOf('argo-rollouts') : undefined
      return [name, podTemplateHashValue === 'Latest' ? version : (value ?? token)]
    })

  /** Runs the analysis of a version, with a load test of a second. */
  const analyzeCanary = (change: object) => (service: Service, timeline: Timeline) => {
    const { web } = metric.provider
    const { input } = web.jsonBody
    const parameters = { ...input.parameters, duration: 'PT1S' }
    const url = web.url.replace(HOST, service.url)
    const shortened = { ...web, url, jsonBody: { input: { ...input, parameters, ...change } } }
    return analyze(
      { ...metric, provider: { web: shortened } },
      Object.fromEntries(argumentsOf(randomUUID().slice(0, 8))),
      timeline.fetchAs('argo'),
    )
  }

  const thresholds = [{ metric: 'errorRate', op: '<', value: 0 }]
  return {
    options: { secrets: callersOf(script) },
    scenarios: [
      { title: 'The load test passes: the canary is promoted', run: analyzeCanary({}), expected: 'Successful' },
      {
        title: 'The load test misses its threshold: the canary is aborted',
        run: analyzeCanary({ thresholds }),
        expected: 'Failed',
      },
    ],
  }
}
