import { describe, expect, it } from '@jest/globals'
import { categories } from '../../../functions/index.ts'
import { findAction } from '../../../infra/project/find-by-name.ts'
import { webhookYaml } from '../../../infra/sandbox/keptn/config/entry.ts'
import { payloadOf, type Subscription } from '../../../infra/sandbox/keptn/config/payload.ts'
import { verifyPayload } from '../../../infra/sandbox/keptn/config/verify-payload.ts'
import { preview } from '../../../infra/sandbox/keptn/preview.ts'
import type { GoObject, GoValue } from '../../../infra/sandbox/keptn/template/values.ts'
import { parseWebhookConfig } from '../../../infra/sandbox/keptn/webhook-config.ts'
import { nest } from '../../../shared/dotted-keys.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { actionNames } from '../../../shared/providers/category.ts'
import { validate } from '../../../shared/validate.ts'
import { webhooks } from './webhooks.ts'

const subscription = (target: string, more: Partial<Subscription> = {}): Subscription => ({
  action: findAction(target),
  task: 'mytask',
  suffix: 'triggered',
  mode: 'interactive',
  url: 'https://webhooks.example.com',
  ...more,
})

/** Returns the form that the receiver gets for a task with these properties. The generated payload must be valid. */
function receivedForm(webhook: Subscription, properties: GoValue, data: GoObject = {}): Record<string, unknown> {
  expect(() => verifyPayload(webhook)).not.toThrow()
  const event = {
    id: 'an-id',
    type: `sh.keptn.event.${webhook.task}.${webhook.suffix}`,
    shkeptncontext: 'a-context',
    data: { project: 'demo', stage: 'production', service: 'shop', ...data, [webhook.task]: properties },
  }
  const played = preview(webhookYaml(webhook), event, { secret_webhooks_token: 'abc' })
  const [result] = 'results' in played ? played.results : []
  if (!result || !('argv' in result)) throw new Error(JSON.stringify(played))
  return nest(new URLSearchParams(result.argv[result.argv.indexOf('--data') + 1]))
}

describe('a generated webhook', () => {
  const all = categories.flatMap((category) => actionNames(category).map((action) => `${category.name}/${action}`))

  it.each(all)('for %s sends every value unchanged', (target) => {
    const conditional = { mode: 'silent', when: 'fail' } as const
    for (const more of [
      ...(['triggered', 'started', 'finished'] as const).map((suffix) => ({ suffix, ...conditional })),
      { task: 'evaluation' },
      { task: 'evaluation', suffix: 'finished' } as const,
      { task: 'approval', connection: 'other', deadline: 'P1D' },
    ])
      expect(() => verifyPayload(subscription(target, more))).not.toThrow()
  })

  it.each(all)('for %s can be rendered when objects of the trigger are texts, numbers or lists', (target) => {
    const made = subscription(target, { idFrom: { task: 'earlier', mode: 'silent' } })
    for (const odd of ['INC0012', 'm', 7, true, ['a'], [['b']]]) {
      const names = ['problem', 'incident', 'dynatraceProblem', 'evaluation', 'test', 'earlier']
      const data = Object.fromEntries(names.map((name) => [name, odd]))
      for (const webhook of [made, { ...made, task: 'evaluation' }, { ...made, task: 'approval' }]) {
        const { input } = receivedForm(webhook, odd, data)
        expect(input).toBeUndefined()
      }
    }
  })

  it('for a former name of an action uses the new one', () => {
    expect(subscription('ci-cd/cancel', { task: 'stop' }).action.name).toBe('cancel-run')
  })

  it('sends the known properties of the task as input, including off and 0', () => {
    const made = subscription('feature-flags/set-flag', { task: 'toggle-it' })
    const { input } = receivedForm(made, { flag: 'slow', state: false, percentage: 0, url: 'https://earlier.example' })
    expect(input).toEqual({ flag: 'slow', state: 'off', percentage: '0' })
    const { action } = findAction('feature-flags/set-flag')
    const validated = action && validate(action.input, input, { what: 'The input' })
    expect(validated).toMatchObject({ state: 'off', percentage: 0 })
  })

  it('sends the entries of an object as separate fields', () => {
    const made = subscription('ci-cd/trigger-deployment', { task: 'deployment' })
    const { input } = receivedForm(made, { target: 'deploy.yml', parameters: { image: 'shop:1.2', replicas: 3 } })
    expect(input).toEqual({ target: 'deploy.yml', parameters: { image: 'shop:1.2', replicas: '3' } })
  })

  it('sends queries as a map, or as the text that the shipyard has', () => {
    const made = subscription('slo/request-evaluation', { task: 'evaluation' })
    const evaluation = (queries: string | Record<string, string>) => receivedForm(made, { timeframe: '5m', queries })
    expect(evaluation({ checkout: 'p95 > 5' })['input']).toMatchObject({ queries: { checkout: 'p95 > 5' } })
    const text = '{"checkout": "p95"}'
    expect(evaluation(text)['input']).toMatchObject({ queries: text })
  })

  it.each(['problem', 'incident', 'dynatraceProblem'])(
    'sends the problem in data.%s to tickets and messages',
    (name) => {
      const problem = { ProblemID: 'P-1', ProblemTitle: 'Slow', ProblemURL: 'https://a.example/1', State: 'OPEN' }
      const more = { PID: '-42', Tags: '', ProblemDetails: { id: 'P-1' }, ImpactedEntities: [{ name: 'shop' }] }
      for (const made of [
        subscription('incident-management/open-ticket'),
        subscription('notification/push-update', { task: 'notify' }),
      ]) {
        const { data } = receivedForm(made, {}, { [name]: { ...problem, ...more } })
        expect(data).toMatchObject({ project: 'demo', problem })
      }
    },
  )

  it('sends the fields by which an endpoint selects the action', () => {
    const made = subscription('remediation/run-action', { task: 'action' })
    const body = receivedForm(made, { action: 'toggle-feature', value: { promotion: 'off' } })
    expect(body['input']).toBeUndefined()
    expect(body['data']).toMatchObject({ action: { action: 'toggle-feature', value: 'map[promotion:off]' } })
  })

  it('sends an evaluation by objective to a notification', () => {
    const value = { metric: 'p95', value: 0, success: false }
    const objective = { displayName: 'Latency', status: 'fail', value }
    const evaluation = { result: 'fail', score: 0, indicatorResults: [objective] }
    const made = subscription('notification/push-update', { task: 'evaluation', suffix: 'finished', mode: 'silent' })
    const { data } = receivedForm(made, evaluation, { result: 'fail' })
    const sent = { displayName: 'Latency', value: { metric: 'p95', value: '0', success: 'false' } }
    expect(data).toMatchObject({ result: 'fail', evaluation: { score: '0', indicatorResults: { 0: sent } } })
    expect(parseEvent({ data }).data.evaluation).toMatchObject({ score: '0' })
  })

  it('sends the score of an evaluation as text to a later task', () => {
    const made = subscription('notification/push-update', { task: 'notify' })
    const { data } = receivedForm(made, {}, { evaluation: { score: 95, scoreText: '81.5', result: 'warning' } })
    expect(data).toMatchObject({ evaluation: { scoreText: '81.5', result: 'warning' } })
    expect((data as { evaluation: object }).evaluation).not.toHaveProperty('score')
  })

  it.each([
    ['interactive', { id: 'demo/shop#7' }],
    ['silent', { responses: [{ data: { id: 'demo/shop#7' } }, { data: { id: 'demo/shop#1' } }] }],
  ] as const)('sends the id that an earlier %s task returned', (mode, result) => {
    const made = subscription('issue-ticketing/close-issue', { task: 'close-it', idFrom: { task: 'open-it', mode } })
    // In a second stage, data contains the result of the first close-it.
    const { input } = receivedForm(made, { id: 'demo/shop#1', comment: 'Done' }, { 'open-it': result })
    expect(input).toEqual({ id: 'demo/shop#7', comment: 'Done' })
    expect(receivedForm(made, { comment: 'Done' }, {})['input']).toEqual({ comment: 'Done' })
  })

  it('stops the most recent run of the sequence for triggered and finished events', () => {
    for (const suffix of ['triggered', 'finished'] as const) {
      const made = subscription('load-testing/stop-test', { task: 'test', suffix, mode: 'silent', idFrom: 'last' })
      expect(receivedForm(made, {}, {})['input']).toEqual({ id: 'last' })
    }
  })

  it('sends the time frame of a test to an evaluation', () => {
    const made = subscription('slo/request-evaluation', { task: 'evaluation' })
    const test = { start: '2026-11-27T10:00:00.000Z', end: '2026-11-27T10:05:00.000Z', requests: 6_000 }
    const { data } = receivedForm(made, {}, { test })
    expect(data).toMatchObject({ test: { start: test.start, end: test.end } })
  })

  it('sends required fields and the optional parts in only', () => {
    const made = subscription('feature-flags/set-flag', { only: ['percentage'] })
    const properties = { flag: 'slow', state: 'on', percentage: 0, comment: 'a comment' }
    const { input, data } = receivedForm(made, properties, { labels: { team: 'blue' } })
    expect(input).toEqual({ flag: 'slow', percentage: '0' })
    expect(data).toEqual({ project: 'demo', stage: 'production', service: 'shop' })
  })

  it('sends the parts of the event in only', () => {
    const problem = { ProblemTitle: 'Slow' }
    const part = (only: string[]) => {
      const made = subscription('issue-ticketing/open-issue', { only })
      return receivedForm(made, { title: 'a' }, { problem, labels: { team: 'x' } })
    }
    expect(part([])['data']).not.toHaveProperty('problem')
    expect(part([])).not.toHaveProperty('input')
    expect(part(['data.problem'])['data']).toMatchObject({ problem })
    expect(part(['data.labels', 'title'])).toMatchObject({ data: { labels: { team: 'x' } }, input: { title: 'a' } })
  })

  it('always sends the data that decides an approval', () => {
    const made = subscription('notification/ask-approval', { task: 'approval', only: [] })
    const strategy = { pass: 'manual', warning: 'automatic' }
    const { data } = receivedForm(made, strategy, { result: 'pass', evaluation: { result: 'warning', score: 80 } })
    expect(data).toMatchObject({ result: 'pass', approval: strategy, evaluation: { result: 'warning' } })
  })

  it('is short enough for the Bridge to show the reason of a failure', () => {
    const longest = all.map((target) => payloadOf(subscription(target)).length).sort((a, b) => a - b)
    expect(longest.at(-1)).toBeLessThan(1_700)
    expect(payloadOf(subscription('issue-ticketing/open-issue', { only: ['title'] })).length).toBeLessThan(400)
  })

  it('sends no events for the standard approval task', () => {
    const made = subscription('notification/ask-approval', { task: 'approval' })
    expect(parseWebhookConfig(webhookYaml(made))).toMatchObject([{ sendStarted: false, sendFinished: false }])
    const strategy = { pass: 'manual', warning: 'automatic' }
    const { data, input } = receivedForm(made, { ...strategy, approvers: 'jane' }, { result: 'pass' })
    expect(data).toMatchObject({ result: 'pass', approval: strategy })
    expect(input).toEqual({ approvers: 'jane' })
  })

  it.each([
    ['silent', { sendStarted: true, sendFinished: true }],
    ['interactive', { sendStarted: true, sendFinished: false }],
  ] as const)('configures who sends the events of a %s call', (mode, events) => {
    const [read] = parseWebhookConfig(webhookYaml(subscription('issue-ticketing/open-issue', { mode })))
    expect(read).toMatchObject(events)
  })
})

describe('webhooks config', () => {
  it('prints the fields for the Bridge and webhook.yaml', async () => {
    const api = 'https://api.example.com/prod/v1'
    const options = `--mode interactive --task openticket --connection jira --deadline PT2H --url ${api}/`
    const { out, ...ended } = await webhooks(`config issue-ticketing/open-issue ${options}`)
    expect(ended).toEqual({ code: 0, err: '' })
    const url = `${api}/issue-ticketing/open-issue?mode=interactive&connection=jira&deadline=PT2H`
    expect(out).toContain(`  URL                  ${url}\n`)
    expect(out).toContain('  Send finished event  by webhook receiver\n')
    expect(out).toMatch(/^ {2}Custom payload +id=\{\{urlquery \.id\}\}.*&input\.\{\{\$n\}\}=.*\{\{end\}\}$/m)
    const yaml = out.slice(out.indexOf('apiVersion:'))
    expect(parseWebhookConfig(yaml)[0]?.requests).toMatchObject([{ url, method: 'POST' }])
  })

  it('prints only webhook.yaml with --yaml', async () => {
    const { out, err } = await webhooks('config issue-ticketing/open-issue --task openticket --yaml')
    expect(parseWebhookConfig(out)).toMatchObject([{ type: 'sh.keptn.event.openticket.triggered', sendFinished: true }])
    expect(err).toBe('Replace https://webhooks.example.com with the URL of your API, or pass --url.\n')
  })

  it('is interactive by default if the result of the action can be warning', async () => {
    const config = (options: string) => webhooks(`config ${options} --yaml --url https://api.example.com`)
    for (const target of ['slo/request-evaluation --task evaluation', 'remediation/run-action --task action']) {
      const { out, err } = await config(target)
      expect([out, err]).toEqual([expect.stringMatching(/sendFinished: false[\s\S]*\?mode=interactive$/m), ''])
    }
    const { out, err } = await config('slo/request-evaluation --task evaluation --mode silent')
    expect(out).toContain('sendFinished: true')
    expect(err).toContain('if the result is warning, Keptn finishes evaluation with pass. Use mode=interactive')
    const stop = await config('chaos-testing/stop-test --task test --suffix finished --last')
    expect([stop.out, stop.err]).toEqual([expect.stringContaining('?mode=silent'), ''])
  })
})

describe('webhooks shipyard', () => {
  it('prints required input as properties and optional input as comments', async () => {
    const { code, out } = await webhooks('shipyard toggle=feature-flags/set-flag issue-ticketing/close-issue')
    const required = '            - name: toggle\n              properties:\n                # Key of the flag\n'
    expect([code, out]).toEqual([0, expect.stringContaining(required)])
    expect(out).toContain('                # state: "on"   on or off\n')
    expect(out).toContain('            - name: close-issue\n')
  })

  it('prints all actions by default', async () => {
    const { out } = await webhooks('shipyard --json')
    const known = categories.flatMap((category) => actionNames(category))
    expect(JSON.parse(out).tasks.map(({ task }: { task: string }) => task)).toEqual(known)
  })
})
