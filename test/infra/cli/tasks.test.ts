import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../../infra/local/credentials.ts'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { Service, until } from '../../e2e/service.ts'
import { webhooks } from './webhooks.ts'

const token = 'token-of-a-pipeline'
const callers = {
  demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
  pipeline: { tokens: [tokenHash(token)], categories: ['*'] },
}
const service = new Service({ timeScale: 20, secrets: { 'cloud-automation-webhooks/callers': callers } })
beforeAll(() => service.start())
afterAll(() => service.end())

const run = (args: string[], as = token) => webhooks([...args, '--url', service.url, '--token', as])
const send = async (...args: string[]) => {
  const { code, out } = await run(['send', ...args, '--json'])
  return { code, ...JSON.parse(out) }
}
const hanging = [
  '--mode',
  'interactive',
  '--no-wait',
  '--input',
  'target=clear-cache',
  '--input',
  'parameters.outcome=hang',
]

describe('webhooks send --key', () => {
  it('sends a call without an event, for a caller without an orchestrator', async () => {
    const { code, status, task } = await send(
      ...['issue-ticketing/open-issue', '--mode', 'interactive', '--key', 'build-42', '--input', 'title=Slow'],
    )
    expect({ code, status, task }).toMatchObject({ code: 0, status: 202, task: { verdict: 'pass' } })
  })

  it('asks a gate', async () => {
    const gate = ['remediation/run-runbook', '--mode', 'gate', '--key', 'build-42', '--input', 'target=clear-cache']
    const { status, body } = await send(...gate)
    expect({ status, body }).toMatchObject({ status: 200, body: { taskId: expect.any(String) } })
    await until(
      async () => (await send(...gate)).body.verdict === 'pass',
      25,
      () => 'the end of the task',
    )
  })
})

describe('webhooks tasks', () => {
  it('answer --again sends the result of an ended task again', async () => {
    const { body } = await send(
      'issue-ticketing/open-issue',
      '--mode',
      'interactive',
      '--key',
      'answer',
      '--input',
      'title=Slow',
    )
    const task = `issue-ticketing/${body.taskId}`
    expect(await run(['answer', task])).toMatchObject({ code: 2, err: expect.stringContaining('--again') })
    expect(await run(['answer', task, '--again'], demo.callerToken)).toMatchObject({ code: 1 })
    const { code, out } = await run(['answer', task, '--again'])
    expect([code, JSON.parse(out)]).toMatchObject([0, { verdict: 'pass' }])
  })

  it('--cancel cancels a task of its caller', async () => {
    const { body } = await send('remediation/run-runbook', '--key', 'cancel', ...hanging)
    const task = `remediation/${body.taskId}`
    expect(await run(['tasks', task, '--cancel'], demo.callerToken)).toMatchObject({ code: 1 })
    const { code, out } = await run(['tasks', task, '--cancel', '--follow'])
    expect([code, JSON.parse(out)]).toMatchObject([0, { verdict: 'aborted', outcome: { status: 'aborted' } }])
    expect(await run(['tasks', '--cancel'])).toMatchObject({ code: 2, err: expect.stringContaining('category/taskId') })
  })

  it('lists the tasks of a category or with a status', async () => {
    const { body } = await send('remediation/run-runbook', '--key', 'list', ...hanging)
    const list = async (...filter: string[]) => {
      const { out } = await run(['tasks', '--json', ...filter], demo.callerToken)
      return (JSON.parse(out) as { name: string }[]).map(({ name }) => name)
    }
    expect(await list('--category', 'remediation', '--status', 'running')).toEqual([body.taskId])
    expect(await list('--category', 'remediation', '--status', 'succeeded')).not.toContain(body.taskId)
    expect(await list('--category', 'slo')).toEqual([])
  })
})
