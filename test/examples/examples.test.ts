import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { parseDql } from '../../infra/sandbox/platforms/dynatrace/dql.ts'
import { requirePrinted, stepsOf } from '../documented-output.ts'
import { readTemplate, renderWith } from '../e2e/workflow-runner.ts'
import { runInProcess } from '../runner/in-process.ts'
import { problem } from './runners/dynatrace-problem.ts'
import { runExample } from './runners/example.ts'
import { FOLDER, read } from './runners/files.ts'
import { EXAMPLES } from './runners/index.ts'
import { alarm } from './runners/step-functions-remediation.ts'

/** Replaces what differs between two runs. */
const normalize = (text: string) =>
  text
    .replace(/(?<=http:\/\/127\.0\.0\.1:)\d+/g, '8787')
    .replace(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b|\b[\da-f]{8,}\b/g, '<id>')
    .replace(/\d+ ms/g, '<ms>')
    .split('\n')
    .filter(Boolean)

describe.each(Object.entries(EXAMPLES))('%s', (name, prepare) => {
  it('ends as expected, and prints what its README shows', async () => {
    const printed: string[] = []
    const isExpected = await runExample(prepare, (line) => printed.push(line))
    expect([isExpected, ...printed.filter((line) => line.startsWith('expected'))]).toEqual([true])
    const steps = stepsOf(`examples/${name}/README.md`)
    expect(steps.map(({ command }) => command)).toEqual([`npm run example -- ${name}`])
    for (const step of steps) requirePrinted(step, printed.join('\n'), normalize)
  })
})

describe('npm run example', () => {
  const run = (...args: string[]) => runInProcess(join(import.meta.dirname, 'run.ts'), args, { env: process.env })

  it('runs an example', async () => {
    const { code, out } = await run('dynatrace-problem')
    expect([code, out]).toEqual([0, expect.stringMatching(/^end +issues: 1, comments: 1, flag: off$/m)])
  })

  it('fails if an example does not end as expected', async () => {
    const printed: string[] = []
    const scenarios = [{ title: 'A release', run: async () => 'failed', expected: 'passed' }]
    expect(
      await runExample(
        async () => ({ scenarios }),
        (line) => printed.push(line),
      ),
    ).toBe(false)
    expect(printed.slice(1)).toEqual(['\nA release', 'end        failed', 'expected   passed'])
  })

  it('lists the names for an unknown one', async () => {
    const { code, err } = await run('argo')
    expect([code, err]).toEqual([2, expect.stringContaining('Examples: keptn-release, github-gate-k6, argo-rollouts')])
  })
})

describe('github-gate-k6', () => {
  it('has a load test that runs and has thresholds', () => {
    const script = read('github-gate-k6/load-test.js')
      .replace(/^import .*$/gm, '')
      .replace(/export (default|const options =)/g, (_all, what) =>
        what === 'default' ? 'exported.run =' : 'exported.options =',
      )
    const requests: string[] = []
    const http = { get: (url: string) => ({ status: 200, url: requests.push(url) }) }
    const exported: { run?: () => void; options?: { thresholds: object } } = {}
    new Function('exported', 'http', 'check', script)(
      exported,
      http,
      (value: object, checks: Record<string, (value: object) => boolean>) => {
        for (const holds of Object.values(checks)) expect(holds(value)).toBe(true)
      },
    )
    exported.run?.()
    expect(requests).toHaveLength(1)
    expect(Object.keys(exported.options?.thresholds ?? {})).toEqual(['http_req_failed', 'http_req_duration'])
  })
})

describe('argo-rollouts', () => {
  it('has the metric that docs/callers/argo-rollouts.md shows', () => {
    const [, shown = ''] =
      /```yaml\n(.*?)```/s.exec(readFileSync(join(FOLDER, '../docs/callers/argo-rollouts.md'), 'utf8')) ?? []
    const { metrics } = parse(read('argo-rollouts/analysis-template.yaml')).spec
    expect(parse(shown)).toEqual({ metrics })
  })
})

describe('step-functions-remediation', () => {
  it('starts when the alarm goes off', () => {
    const matches = (pattern: object, event: object): boolean =>
      Object.entries(pattern).every(([name, expected]) => {
        const value = (event as Record<string, unknown>)[name]
        if (!Array.isArray(expected)) return matches(expected, value as object)
        return expected.some((one) => (one.Ref === 'AlarmName' ? 'checkout-errors' : one) === value)
      })
    const { Resources } = parse(read('step-functions-remediation/template.yaml'))
    const { EventPattern: pattern, Targets } = Resources.AlarmRule.Properties
    expect(matches(pattern, alarm)).toBe(true)
    expect(matches(pattern, { ...alarm, detail: { ...alarm.detail, state: { value: 'OK' } } })).toBe(false)
    expect(Targets).toMatchObject([{ Arn: { Ref: 'StateMachine' } }])
  })
})

describe('dynatrace-problem', () => {
  it('starts once for a slowdown', () => {
    const { workflow } = readTemplate('examples/dynatrace-problem/workflow.yaml')
    const { filterQuery = '', uniqueExpression = '' } = workflow.trigger.eventTrigger ?? {}
    const query = parseDql(`fetch events | filter ${filterQuery}`)
    if (typeof query === 'string') throw new Error(query)
    const closed = { ...problem, 'event.status': 'CLOSED', 'event.status_transition': 'CLOSED' }
    expect(query.run([closed, problem, { ...problem, 'event.category': 'ERROR' }])).toEqual([problem])
    expect(renderWith(uniqueExpression, { execution: '', event: problem, results: {}, token: '' })).toBe(
      problem['event.id'],
    )
  })
})
