import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { listDeployedTasks } from '../../../infra/local/tasks/deployed-tasks.ts'
import { durable, folder, type Started, start, startExecution } from '../local/cloud/harness.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const STACK = 'CloudAutomationWebhooks'

/** Returns a function of a stack. */
const named = (name: string, logicalId: string, stack = STACK, more: object = {}) => {
  const tags = { 'aws:cloudformation:stack-name': stack, 'aws:cloudformation:logical-id': logicalId }
  return durable(['approval'], { tags, ...more }).map((found) => ({ ...found, name }))
}

it.each([
  ['tasks --stack CloudAutomationWebhooks', 'Listing tasks'],
  ['versions prune', 'Listing the versions'],
])('webhooks %s explains a rejection by AWS', async (line, what) => {
  aws.error = { type: 'AccessDeniedException', message: 'not authorized to perform: lambda:ListFunctions' }
  expect(await webhooks(line, { env: aws.env })).toMatchObject({ code: 1, err: expect.stringContaining(what) })
  aws.reset()
})

const ON_STACK = [
  'answer slo/1 --again',
  'approvals',
  'audit',
  'console',
  'console --read-only',
  'events redrive',
  'tasks',
  'tasks slo/1',
  'tasks slo/1 --cancel',
  'turns',
  'versions prune',
].map((command) => `${command} --stack Nope`)

it.each([...ON_STACK, 'check', 'source add github', 'token list', 'token create ci'])(
  'webhooks %s says that no region is configured, even if its variable is empty',
  async (line) => {
    const err = expect.stringMatching(/No AWS region is configured\. Set AWS_REGION(?:, or pass --local .*)?\.\n/)
    expect(await webhooks(line)).toMatchObject({ code: 1, err })
    expect(await webhooks(line, { env: { AWS_REGION: '' } })).toMatchObject({ code: 1, err })
  },
)

describe('the tasks of a deployed stack', () => {
  let cloud: Started
  const input = { action: 'start-test', connection: 'k6', event: { context: 'c0ffee' } }
  beforeAll(async () => {
    cloud = await start({
      state: folder.file('state'),
      functions: [
        ...named('one', 'CiCdTaskFunction1A2B3C4D'),
        ...named('two', 'IssueTicketingTaskFunction5E6F7A8B'),
        ...named('end', 'FinisherFunction9C0D1E2F', STACK, { handler: 'finisher.approval' }),
        ...named('other', 'CiCdTaskFunction1A2B3C4D', 'AnotherStack'),
      ],
    })
    for (const [fn, name] of [
      ['one', 'a'],
      ['two', 'b'],
      ['end', 'c'],
      ['other', 'd'],
    ])
      await startExecution(cloud.lambda, fn ?? '', input, name)
    const [stopped] = cloud.cloud.executions({ functionName: 'two' })
    cloud.cloud.stop(stopped?.arn ?? '')
  })

  const list = (filter = {}, limit = 50) => listDeployedTasks(cloud.lambda, STACK, filter, limit)

  it('are listed with their category, without those of the finisher and of other stacks', async () => {
    const common = {
      action: 'start-test',
      connection: 'k6',
      context: 'c0ffee',
      progress: '',
      acceptedAt: expect.any(String),
    }
    expect((await list()).sort((a, b) => a.taskId.localeCompare(b.taskId))).toMatchObject([
      { ...common, taskId: 'a', category: 'ci-cd', state: 'running', verdict: 'running', message: '' },
      { ...common, taskId: 'b', category: 'issue-ticketing', state: 'failed', verdict: 'errored' },
    ])
    expect(await list({}, 1)).toHaveLength(1)
  })

  it('are filtered by their fields', async () => {
    expect((await list({ category: 'ci-cd' })).map(({ taskId }) => taskId)).toEqual(['a'])
    expect((await list({ state: 'failed' })).map(({ taskId }) => taskId)).toEqual(['b'])
    expect((await list({ verdict: 'errored' })).map(({ taskId }) => taskId)).toEqual(['b'])
    expect(await list({ category: 'ci-cd', state: 'failed' })).toEqual([])
    expect(await list({ action: 'start-test', connection: 'k6', context: 'c0f' })).toHaveLength(2)
    expect(await list({ context: 'beef' })).toEqual([])
  })

  it('are all listed without a limit, and otherwise the newest of each category', async () => {
    for (let number = 0; number < 101; number++) await startExecution(cloud.lambda, 'one', input, `more-${number}`)
    expect(await list({ category: 'ci-cd' }, Number.POSITIVE_INFINITY)).toHaveLength(102)
    expect(await list({ category: 'ci-cd' }, 200)).toHaveLength(100)
  })

  it('of an unknown stack are refused', async () => {
    await expect(listDeployedTasks(cloud.lambda, 'Elsewhere', {}, 50)).rejects.toThrow(
      'The stack Elsewhere has no task functions.',
    )
  })
})

describe('webhooks versions prune', () => {
  let cloud: Started

  /** The alias is on version 4. A task runs on version 1; others failed a minute and three days ago, on versions 2 and 3. */
  beforeAll(async () => {
    const state = folder.file('versions')
    const options = { state, functions: named('approval', 'CiCdTaskFunction1A2B3C4D') }
    const before = await start(options)
    for (const name of ['on-1', 'on-2', 'on-3']) await startExecution(before.lambda, 'approval', {}, name)
    await before.cloud.close()
    const database = new DatabaseSync(join(state, 'durable.db'))
    for (const number of [2, 3, 4])
      database.exec(`INSERT INTO version SELECT function, ${number}, code, file FROM version WHERE number = 1`)
    const fail = database.prepare(
      "UPDATE execution SET function_version = ?, status = 'FAILED', wake_at = NULL, ended_at = ? WHERE name = ?",
    )
    fail.run(2, Date.now() - 60_000, 'on-2')
    fail.run(3, Date.now() - 3 * 86_400_000, 'on-3')
    database.close()
    cloud = await start(options)
  })

  const prune = (options = '') => {
    const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'eu-west-1' }
    return webhooks(`versions prune ${options}`, {
      env: { ...credentials, AWS_ENDPOINT_URL_LAMBDA: cloud.cloud.endpoint },
    })
  }
  const versionsIn = (out: string) =>
    (JSON.parse(out).versions as { version: string; usedBy?: string; deleted: boolean }[]).map(
      ({ version, usedBy, deleted }) => [version, usedBy, deleted],
    )
  const used = [
    ['1', 'running task', false],
    ['2', 'recent failure', false],
    ['4', 'alias', false],
  ]

  it('--dry-run deletes nothing', async () => {
    const { code, out } = await prune('--dry-run --json')
    expect([code, versionsIn(out)]).toEqual([0, [used[0], used[1], ['3', undefined, false], used[2]]])
  })

  it('deletes the versions that nothing uses', async () => {
    const { code, out } = await prune()
    expect([code, out]).toEqual([0, expect.stringMatching(/CiCdTaskFunction1A2B3C4D +3[\s\S]*1 deleted, 3 used/)])
    expect(versionsIn((await prune('--json')).out)).toEqual(used)
  })

  it('keeps the version of a webhook to which an operator may roll back', async () => {
    const webhook = { logicalId: 'CiCdWebhookFunction1A2B3C4D', isDurable: false, versions: [8, 9, 10, 11], live: 10 }
    aws.functions = [webhook]
    const { out } = await webhooks('versions prune --dry-run --json', { env: aws.env })
    expect(versionsIn(out)).toEqual([
      ['8', undefined, false],
      ['9', 'possible rollback', false],
      ['10', 'alias', false],
      ['11', undefined, false],
    ])
    aws.reset()
  })

  it('refuses an unknown stack', async () => {
    const err = expect.stringContaining('The stack Other has no functions')
    expect(await prune('--stack Other')).toMatchObject({ code: 2, err })
  })
})
