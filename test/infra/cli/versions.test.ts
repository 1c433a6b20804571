import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { durable, folder, type Started, start, startExecution } from '../local/cloud/harness.ts'
import { startAws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const STACK = 'CloudAutomationWebhooks'
let cloud: Started

/** The alias is on version 4. A task runs on version 1; others failed a minute and three days ago, on versions 2 and 3. */
beforeAll(async () => {
  const state = folder.file('state')
  const tags = { 'aws:cloudformation:stack-name': STACK, 'aws:cloudformation:logical-id': 'CiCdTaskFunction1A2B3C4D' }
  const options = { state, functions: durable(['approval'], { tags }) }
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

async function prune(...args: string[]) {
  const env = {
    ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'eu-west-1' },
    AWS_ENDPOINT_URL_LAMBDA: cloud.cloud.endpoint,
  }
  return webhooks(['versions', 'prune', ...args], { env })
}

interface Version {
  version: string
  usedBy?: string
  deleted: boolean
}
const versionsIn = (out: string) =>
  (JSON.parse(out).versions as Version[]).map(({ version, usedBy, deleted }) => [version, usedBy, deleted])

describe('webhooks versions prune', () => {
  const used = [
    ['1', 'running task', false],
    ['2', 'recent failure', false],
    ['4', 'alias', false],
  ]

  it('--dry-run deletes nothing', async () => {
    const { code, out } = await prune('--dry-run', '--json')
    expect(code).toBe(0)
    expect(versionsIn(out)).toEqual([used[0], used[1], ['3', undefined, false], used[2]])
  })

  it('deletes the versions that nothing uses', async () => {
    const { code, out } = await prune()
    expect([code, out]).toEqual([0, expect.stringMatching(/CiCdTaskFunction1A2B3C4D +3[\s\S]*1 deleted, 3 used/)])
    expect(versionsIn((await prune('--json')).out)).toEqual(used)
  })

  it('refuses an unknown stack', async () => {
    expect(await prune('--stack', 'Other')).toMatchObject({
      ...{ code: 2, err: expect.stringContaining('The stack Other has no task functions') },
    })
  })

  it('explains a rejection by AWS', async () => {
    const aws = await startAws()
    aws.error = { type: 'AccessDeniedException', message: 'not authorized to perform: lambda:ListFunctions' }
    const { code, err } = await webhooks(['versions', 'prune'], { env: aws.env })
    await aws.close()
    expect([code, err]).toEqual([1, expect.stringContaining('Listing the versions')])
  })
})
