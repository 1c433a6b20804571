import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../../infra/local/credentials.ts'
import { readRuntimeFile } from '../../../infra/local/runtime-file.ts'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { Service, until } from '../../e2e/service.ts'
import { atTerminal, spawnWebhooks, webhooks } from './webhooks.ts'

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

/** As an operator: with AWS credentials, and without a token of a caller. */
const asOperator = (...args: string[]) => {
  const { aws } = readRuntimeFile(service.state) ?? {}
  if (!aws) throw new Error('The runtime does not run.')
  const env = {
    ...{ AWS_ACCESS_KEY_ID: aws.accessKeyId, AWS_SECRET_ACCESS_KEY: aws.secretAccessKey, AWS_REGION: 'eu-west-1' },
    ...{ AWS_ENDPOINT_URL_LAMBDA: aws.endpoint, AWS_ENDPOINT_URL_DYNAMODB: aws.dynamodb },
  }
  return webhooks([...args, '--stack', 'CloudAutomationWebhooks'], { env })
}

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
  })

  it('lists the tasks of a category, in a state or with a verdict', async () => {
    const { body } = await send('remediation/run-runbook', '--key', 'list', ...hanging)
    const list = async (...filter: string[]) => {
      const { out } = await run(['tasks', '--json', ...filter], demo.callerToken)
      return (JSON.parse(out) as { taskId: string }[]).map(({ taskId }) => taskId)
    }
    expect(await list('--category', 'remediation', '--state', 'running')).toEqual([body.taskId])
    expect(await list('--category', 'remediation', '--state', 'finished')).not.toContain(body.taskId)
    expect(await list('--category', 'remediation', '--verdict', 'running')).toEqual([body.taskId])
    expect(await list('--category', 'slo')).toEqual([])
    expect(await list('--action', 'run-runbook', '--connection', 'default', '--limit', '1')).toEqual([body.taskId])
  })

  it('shows the same columns for the local runtime and for a stack, and completes short ids', async () => {
    const { body } = await send('remediation/run-runbook', '--key', 'columns', ...hanging)
    const short = `remediation/${body.taskId.slice(0, 8)}`
    const row = new RegExp(`^${short} +running +run-runbook +default +\\d+ s( +Waiting for .+)?$`, 'm')
    for (const { out } of [await run(['tasks'], demo.callerToken), await asOperator('tasks')])
      expect([out.split('\n')[0], out]).toEqual([
        expect.stringMatching(/^TASK +VERDICT +ACTION +CONNECTION +AGE +MESSAGE$/),
        expect.stringMatching(row),
      ])
    for (const { out } of [await run(['tasks', short], demo.callerToken), await asOperator('tasks', short)])
      expect(JSON.parse(out).taskId).toBe(body.taskId)
  })

  it('is colored on a terminal only, and not with NO_COLOR', async () => {
    await send('issue-ticketing/open-issue', '--mode', 'interactive', '--key', 'color', '--input', 'title=Slow')
    const args = ['tasks', '--verdict', 'pass', '--url', service.url, '--token', demo.callerToken]
    const passed = '\x1b[32mpass'
    expect((await atTerminal(args, [])).out).toContain(passed)
    expect((await atTerminal(args, [], { env: { NO_COLOR: '1' } })).out).not.toContain(passed)
    expect((await webhooks(args)).out).not.toContain(passed)
  })

  it('--follow prints the tasks that change, as JSON with the names of the HTTP interface', async () => {
    const { child, ended } = spawnWebhooks(['tasks', '--follow', '--json', '--url', service.url], {})
    const { body } = await send('remediation/run-runbook', '--key', 'follow', ...hanging)
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const lines = () => out.split('\n').filter((line) => line.includes(body.taskId) && line.endsWith('}'))
    await until(
      async () => lines().length > 0,
      30,
      () => out,
    )
    await run(['tasks', `remediation/${body.taskId}`, '--cancel'])
    await until(
      async () => lines().some((line) => JSON.parse(line).verdict === 'aborted'),
      30,
      () => out,
    )
    child.kill()
    await ended
    const fields = ['taskId', 'category', 'action', 'connection', 'context', 'state', 'verdict', 'progress', 'message']
    expect(Object.keys(JSON.parse(lines()[0] ?? ''))).toEqual([...fields, 'acceptedAt'])
  })
})

describe('webhooks tasks --stack', () => {
  it('shows, cancels and runs again the task of any caller', async () => {
    const { body } = await send('remediation/run-runbook', '--key', 'operator', ...hanging)
    const task = `remediation/${body.taskId}`
    expect(JSON.parse((await asOperator('tasks', task)).out)).toMatchObject({ taskId: body.taskId, state: 'running' })
    expect(await asOperator('tasks', task, '--rerun')).toMatchObject({
      code: 1,
      err: expect.stringContaining('running'),
    })
    const canceled = await asOperator('tasks', task, '--cancel', '--follow')
    expect(JSON.parse(canceled.out)).toMatchObject({
      ...{ verdict: 'aborted', outcome: { message: expect.stringContaining('Canceled by an operator') } },
    })
    const listed = JSON.parse((await asOperator('tasks', '--verdict', 'aborted', '--json')).out)
    expect(listed).toContainEqual(expect.objectContaining({ taskId: body.taskId, category: 'remediation' }))
    const { taskId, rerunOf } = JSON.parse((await asOperator('tasks', task, '--rerun')).out)
    expect(rerunOf).toBe(body.taskId)
    const rerun = await asOperator('tasks', `remediation/${taskId}`, '--cancel', '--follow')
    expect(JSON.parse(rerun.out)).toMatchObject({ taskId, rerunOf: body.taskId, verdict: 'aborted' })
    const answered = await asOperator('answer', task, '--again')
    expect([answered.code, JSON.parse(answered.out)]).toMatchObject([0, { taskId: body.taskId }])
  })

  it('explains what is wrong', async () => {
    const unknown = await asOperator('tasks', `remediation/${'0'.repeat(40)}`)
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('There is no task') })
    expect(await webhooks(['tasks', 'slo/1', '--stack', 'Other'])).toMatchObject({
      ...{ code: 1, err: expect.stringContaining('No AWS region') },
    })
  })
})
