import { createHmac } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { jobRow as githubActionsJob } from '../functions/ci-cd/github-actions/fake.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { type Answer, Service, triggered } from './service.ts'

const KEY = 'signing-key-of-the-source-0123456789'
const SECRET_IN_BODY = 'a-secret-parameter-of-the-workflow'
const prefix = 'cloud-automation-webhooks'
const folder = temporaryFolder()
const eventsFile = join(folder, 'events.yaml')
writeFileSync(
  eventsFile,
  `sources:
  github: { type: github, wakes: [ci-cd/simulated] }
  unused: { type: github }
`,
)

const github = await githubActionsJob.start()
const settings = {
  eventsFile,
  secrets: {
    [`${prefix}/connections/ci-cd/simulated`]: { provider: 'github-actions', ...github.connection },
    [`${prefix}/sources/github`]: { keys: [KEY] },
  },
}
/** Its tasks wait so long between two polls that only a notification can end one within a test. */
const slow = new Service({ ...settings, timeScale: 0.01 })
const fast = new Service({ ...settings, timeScale: 30 })
beforeAll(async () => {
  await waitForAll([slow.start(), fast.start()])
})
afterAll(async () => {
  await waitForAll([slow.end(), fast.end()])
  await github.server.close()
})

/** Starts a run that continues until the test ends it, and waits for the first poll. */
async function start(service: Service) {
  const event = triggered({ type: 'sh.keptn.event.build.triggered', input: github.input })
  const path = '/v1/ci-cd/trigger-build?connection=simulated&mode=interactive&sendStarted=true&deadline=P1D'
  const { status, body } = await service.call(path, event)
  expect({ status, body }).toMatchObject({ status: 202 })
  await service.until(() => github.runs() > 0, 'the run')
  github.letStart()
  const name = String(body.taskId).slice(0, 8)
  await service.until(() => service.output.includes(`task ${name} poll: pending`), 'the first poll')
  return { id: event.id, taskId: String(body.taskId), run: Number(github.id().split('#')[1]) }
}

const workflowRun = (id: number, action = 'completed') =>
  JSON.stringify({ action, workflow_run: { id, status: action }, repository: {}, inputs: { token: SECRET_IN_BODY } })

interface Sent {
  event?: string
  key?: string | undefined
  source?: string
}

function notify(service: Service, body: string, { event = 'workflow_run', key = KEY, source = 'github' }: Sent = {}) {
  const headers = {
    'content-type': 'application/json',
    'X-GitHub-Event': event,
    'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  }
  return service.call(`/v1/events/${source}`, body, { token: null, headers })
}

async function stateOf(service: Service, taskId: string): Promise<string> {
  return (await service.call(`/v1/ci-cd/tasks/${taskId}`, undefined, { method: 'GET' })).body.state
}

describe('A signed notification', () => {
  it('ends the task of its job at once', async () => {
    const { id, run } = await start(slow)
    github.end()
    expect(await notify(slow, workflowRun(run))).toMatchObject({
      status: 200,
      body: { event: 'workflow_run.completed', woken: 1 },
    })
    const { started, finished } = await slow.finishedOf(id)
    expect({ started, finished }).toMatchObject({ started: 1, finished: [{ status: 'succeeded', result: 'pass' }] })
    expect(await notify(slow, workflowRun(run))).toMatchObject({ status: 200, body: { woken: 0 } })
  })

  it('that comes 500 times never harms its task', async () => {
    const { id, taskId, run } = await start(fast)
    const answers: Answer[] = []
    for (let batch = 0; batch < 50; batch++)
      answers.push(...(await waitForAll(Array.from({ length: 10 }, () => notify(fast, workflowRun(run))))))
    expect(answers.map(({ status }) => status)).toEqual(Array(500).fill(200))
    expect(await stateOf(fast, taskId)).toBe('running')
    const woken = answers.filter(({ body }) => body.woken > 0).length
    expect(woken).toBeGreaterThan(0)
    expect(woken).toBeLessThanOrEqual(50)
    github.end()
    await notify(fast, workflowRun(run))
    expect((await fast.finishedOf(id)).finished).toMatchObject([{ status: 'succeeded' }])
  })
})

describe('A request to cancel a task that waits for a notification', () => {
  it('stops its job at once', async () => {
    const { taskId } = await start(slow)
    expect(await slow.call(`/v1/ci-cd/tasks/${taskId}/cancel`)).toMatchObject({ status: 202 })
    await slow.until(() => github.finishStop(), 'the stop of the run')
  })
})

describe('The CLI and the console', () => {
  const env = () => ({ WEBHOOKS_EVENTS: eventsFile, WEBHOOKS_STATE: slow.state, WEBHOOKS_PORT: new URL(slow.url).port })

  it('show when a source has notified us, and that another one is silent although jobs ended', async () => {
    const { body: before } = await notify(slow, workflowRun(7))
    expect(before).toMatchObject({ woken: 0 })
    const { aws } = readRuntimeFile(slow.state) ?? {}
    if (!aws) throw new Error('The runtime does not run.')
    const client = new DynamoDBClient({ endpoint: aws.dynamodb, region: 'eu-west-1', credentials: aws })
    const missed = { id: { S: 'source#unused' }, missedAt: { N: String(Date.now()) }, missed: { N: '3' } }
    await client.send(new PutItemCommand({ TableName: 'webhooks', Item: missed }))
    const stored = ['github', 'unused'].map((name) => [`${prefix}/sources/${name}`, { keys: [KEY] }])
    writeFileSync(join(slow.state, 'secrets.json'), JSON.stringify(Object.fromEntries(stored)))
    const { out } = await webhooks('source list --local --json', { env: env() })
    expect(JSON.parse(out)).toMatchObject([
      { source: 'github', activity: { notifiedAt: expect.any(Number), missed: 0, silent: false } },
      { source: 'unused', activity: { missed: 3, silent: true } },
    ])
    const findings = JSON.parse((await webhooks('doctor --local --json', { env: env() })).out)
    const found = expect.stringContaining('3 ends noticed without it since, silent')
    expect(findings).toContainEqual(expect.objectContaining({ what: 'source unused', state: 'note', found }))
    expect(findings).toContainEqual(expect.objectContaining({ what: 'source github', state: 'ok' }))
    const overview = await slow.call('/console/overview?hours=1', undefined, { method: 'GET' })
    expect(overview.body.sources).toMatchObject([
      { name: 'github', event: 'workflow_run.completed', isSilent: false },
      { name: 'unused', missed: 3, isSilent: true },
    ])
  })
})

describe('The receiver of notifications', () => {
  let waiting: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    waiting = await start(slow)
  })
  const isStillWaiting = async () => (await stateOf(slow, waiting.taskId)) === 'running'

  const refused: [name: string, status: number, detail: string, send: () => Promise<Answer>][] = [
    [
      'a forged signature',
      401,
      'does not match',
      () => notify(slow, workflowRun(waiting.run), { key: `${KEY}-of-another` }),
    ],
    [
      'no signature',
      401,
      'x-hub-signature-256 is missing',
      () => slow.call('/v1/events/github', workflowRun(1), { token: null }),
    ],
    ['an unknown source', 404, 'no source gitlab', () => notify(slow, workflowRun(1), { source: 'gitlab' })],
    ['a source without a secret', 503, 'no secret', () => notify(slow, workflowRun(1), { source: 'unused' })],
    [
      'a body of more than 1 MB',
      413,
      'at most 1048576',
      () => notify(slow, JSON.stringify({ a: 'x'.repeat(1_048_577) })),
    ],
    ['a body that is not JSON', 400, 'not a JSON object', () => notify(slow, 'payload=%7B%7D')],
    ['an end without a run', 400, 'names no run', () => notify(slow, JSON.stringify({ action: 'completed' }))],
    ['another method', 405, 'Use POST', () => slow.call('/v1/events/github', undefined, { method: 'GET' })],
  ]

  it.each(refused)('refuses %s with %i', async (_name, status, detail, send) => {
    expect(await send()).toMatchObject({ status, body: { detail: expect.stringContaining(detail) } })
    expect(await isStillWaiting()).toBe(true)
  })

  it.each([
    ['a ping', '{"zen":"Design for failure.","hook_id":1}', { event: 'ping' }, 'ping'],
    ['a run for which no task waits', workflowRun(7), {}, 'workflow_run.completed'],
    ['an event of another kind', '{"action":"opened","issue":{"id":1}}', { event: 'issues' }, 'issues.opened'],
  ])('accepts %s without an effect', async (_name, body, sent, event) => {
    expect(await notify(slow, body, sent)).toMatchObject({ status: 200, body: { event, woken: 0 } })
  })

  it('wakes no task for an event that marks no end', async () => {
    const { run } = waiting
    expect(await notify(slow, workflowRun(run, 'in_progress'))).toMatchObject({ status: 200, body: { woken: 0 } })
    expect(await isStillWaiting()).toBe(true)
  })

  it('logs one line for each delivery, and never its body or a key', () => {
    const lines = slow.logs().filter(({ message }) => message === 'notification')
    expect(lines).toContainEqual(
      expect.objectContaining({
        source: 'github',
        event: 'workflow_run.completed',
        runs: 1,
        woken: 1,
        effect: 'woken',
      }),
    )
    expect(lines).toContainEqual(expect.objectContaining({ source: 'github', status: 401, effect: 'refused' }))
    for (const secret of [KEY, SECRET_IN_BODY]) {
      expect(slow.output).not.toContain(secret)
      expect(readFileSync(join(slow.state, 'events.json'), 'utf8')).not.toContain(secret)
    }
  })
})
