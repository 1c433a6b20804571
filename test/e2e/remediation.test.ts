import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { type RundeckServer, restart, startRundeck } from '../functions/incident-management/rundeck/fake.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

let rundeck: RundeckServer
let service: Service
const prefix = 'cloud-automation-webhooks/connections/remediation'
beforeAll(async () => {
  rundeck = await startRundeck()
  service = new Service({
    timeScale: 60,
    secrets: (url) => ({
      [`${prefix}/runbooks`]: {
        provider: 'rundeck',
        baseUrl: rundeck.url,
        token: rundeck.token,
        project: 'shop',
        actions: {
          'toggle-feature': { action: 'toggle-flag', connection: 'flags', input: { environment: 'production' } },
          'restart-service': { action: 'run-runbook', input: { target: restart } },
          'too-much': { action: 'toggle-flag', connection: 'flags', input: { flga: 'checkout-v2' } },
          elsewhere: { action: 'run-runbook', connection: 'flags', input: { target: 'x' } },
        },
      },
      [`${prefix}/flags`]: {
        provider: 'unleash',
        baseUrl: `${url}/sandbox/unleash`,
        token: demo.unleash.token,
        project: 'default',
        environment: 'production',
      },
    }),
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await rundeck.close()
})

/** The event that Keptn sends for each remediation action. It has no input. */
const action = (name: string, value?: unknown) =>
  triggered({
    type: 'sh.keptn.event.action.triggered',
    data: {
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      action: { name: `Do ${name}`, action: name, description: 'as remediation.yaml has it', value },
      problem: { ProblemTitle: 'Response time degradation' },
    },
  })
const run = (event: object, query = '', path = 'run-action') =>
  service.call(`/v1/remediation/${path}?connection=runbooks${query}`, event)
const flag = async () => {
  const found = (await service.list('flags')).find(({ name }: { name: string }) => name === 'checkout-v2')
  return found.environments.find(({ name }: { name: string }) => name === 'production').enabled
}

describe('The remediation actions of one webhook', () => {
  it('set a flag and run a runbook as the connection maps them', async () => {
    const toggle = action('toggle-feature', { 'checkout-v2': 'on' })
    expect(await run(toggle, '&mode=interactive&sendStarted=true')).toMatchObject({ status: 202 })
    const toggled = await service.finishedOf(toggle.id)
    expect([toggled.started, toggled.finished.length]).toEqual([1, 1])
    expect(toggled.finished[0]).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: expect.stringMatching(/^toggle-feature \(toggle-flag\): checkout-v2 in production is on/),
      action: { action: 'toggle-feature', ran: 'toggle-flag', flag: 'checkout-v2' },
    })
    expect(await flag()).toBe(true)

    const restarting = action('restart-service')
    await run(restarting, '&mode=interactive&sendStarted=true')
    const { finished } = await service.finishedOf(restarting.id)
    expect(finished).toMatchObject([
      {
        result: 'pass',
        message: expect.stringMatching(/^restart-service \(run-runbook\): Execution \d+ ended as succeeded/),
        action: { action: 'restart-service', ran: 'run-runbook', id: expect.stringMatching(/^\d+$/) },
      },
    ])
  })

  it('run once for one trigger on any path', async () => {
    const before = rundeck.state.executions.length
    const event = action('restart-service')
    const query = '&mode=interactive&sendStarted=true'
    const answers = await waitForAll([run(event, query), run(event, query), run(event, query, 'run-runbook')])
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(new Set(answers.map(({ body }) => body.taskId)).size).toBe(1)
    await service.finishedOf(event.id)
    expect(rundeck.state.executions).toHaveLength(before + 1)
    const silent = action('restart-service')
    const [first, second] = [await run(silent), await run(silent)]
    expect(first.body).toMatchObject({ data: { action: 'restart-service', ran: 'run-runbook' } })
    expect(second.body).toEqual(first.body)
    expect(rundeck.state.executions).toHaveLength(before + 2)
  })

  it('reject an unmapped action and list the mapped ones', async () => {
    const { status, body } = await run(action('reboot-all'), '&mode=interactive')
    expect(status).toBe(422)
    expect(body.detail).toContain(
      'data.action.action is not in actions of the connection. Unknown action "reboot-all".',
    )
  })

  const mapped = action('restart-service')
  const [run_, toggle] = ['run-action', 'toggle-flag']
  it.each([
    ['an event that names no action', triggered(), run_, 400, 'it must be a task event with data.action.action'],
    ['an input of its own', { ...mapped, input: { target: 'x' } }, run_, 400, 'input must be omitted'],
    ['the path of another action', mapped, toggle, 422, 'maps restart-service to run-runbook, not to toggle-flag'],
    [
      'an input that is wrong in the connection',
      action('too-much', { x: 'on' }),
      run_,
      400,
      'The input of the connection',
    ],
    ['a connection that cannot run it', action('elsewhere'), run_, 400, 'supports toggle-flag, but not run-runbook'],
  ])('are rejected with %s', async (_what, event, path, status, message) => {
    expect(await run(event, '', path)).toMatchObject({ status, body: { detail: expect.stringContaining(message) } })
  })

  it('differ from calls with their own input', async () => {
    const event = { ...action('toggle-feature'), input: { target: restart } }
    const { body } = await run(event, '', 'run-runbook')
    expect(body).toMatchObject({ result: 'pass', data: { state: 'succeeded' } })
    expect(body.data).not.toHaveProperty('ran')
  })

  it('describe the request in a dry run', async () => {
    const { status, body } = await run(action('restart-service'), '&dryRun=true')
    expect(status).toBe(200)
    expect(body.message).toMatch(/^restart-service \(run-runbook\): Dry run/)
  })
})
