import { beforeAll, describe, expect, it } from '@jest/globals'
import { listDeployedTasks } from '../../../infra/cli/deployed-tasks.ts'
import { durable, folder, type Started, start, startExecution } from '../local/cloud/harness.ts'
import { startAws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const STACK = 'CloudAutomationWebhooks'
const input = { action: 'start-test', connection: 'k6', event: { context: 'c0ffee' } }
let cloud: Started

const named = (name: string, logicalId: string, stack = STACK, more: object = {}) => {
  const tags = { 'aws:cloudformation:stack-name': stack, 'aws:cloudformation:logical-id': logicalId }
  return durable(['approval'], { tags, ...more }).map((found) => ({ ...found, name }))
}

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

describe('the tasks of a deployed stack', () => {
  const list = (filter = {}, limit = 50) => listDeployedTasks(cloud.lambda, STACK, filter, limit)

  it('are listed with their category, without those of the finisher and of other stacks', async () => {
    const common = {
      ...{ action: 'start-test', connection: 'k6', context: 'c0ffee', progress: '' },
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

  it('of an unknown stack are refused', async () => {
    await expect(listDeployedTasks(cloud.lambda, 'Elsewhere', {}, 50)).rejects.toThrow(
      'The stack Elsewhere has no task functions.',
    )
  })
})

it('webhooks tasks --stack explains a rejection by AWS', async () => {
  const aws = await startAws()
  aws.error = { type: 'AccessDeniedException', message: 'not authorized to perform: lambda:ListFunctions' }
  const { code, err } = await webhooks(['tasks', '--stack', STACK], { env: aws.env })
  await aws.close()
  expect([code, err]).toEqual([1, expect.stringContaining('Listing tasks')])
})
