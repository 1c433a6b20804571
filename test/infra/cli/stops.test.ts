import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { findingOf, localStops } from '../../../infra/cli/doctor/stops.ts'
import { parseUntil } from '../../../infra/cli/stops/until.ts'
import { STATE_TABLE } from '../../../infra/local/functions.ts'
import { stopsOfRuntime } from '../../../infra/local/operator/operate-stops.ts'
import { readRuntimeFile } from '../../../infra/local/runtime-file.ts'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { itemKeys } from '../../../shared/state/item-keys.ts'
import { Service, triggered } from '../../e2e/service.ts'
import { aws } from './aws.ts'
import { atTerminal, type Ended, enter, webhooks } from './webhooks.ts'

const token = 'token-of-a-pipeline'
const callers = {
  demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox', reads: 'all' },
  pipeline: { tokens: [tokenHash(token)], categories: ['*'] },
}
const service = new Service({ timeScale: 10, secrets: { 'cloud-automation-webhooks/callers': callers } })
beforeAll(() => service.start())
afterAll(() => service.end())

const runtime = () => {
  const found = readRuntimeFile(service.state)?.aws
  if (!found) throw new Error('The runtime does not run.')
  return found
}
const local = (line: string) => webhooks(line, { env: { WEBHOOKS_STATE: service.state } })
const asOperator = (line: string) =>
  webhooks(`${line} --stack CloudAutomationWebhooks`, {
    env: {
      AWS_ACCESS_KEY_ID: runtime().accessKeyId,
      AWS_SECRET_ACCESS_KEY: runtime().secretAccessKey,
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_LAMBDA: runtime().endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: runtime().dynamodb,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: runtime().endpoint,
      AWS_ENDPOINT_URL_STS: aws.url,
    },
  })
const parsed = async (ended: Promise<Ended>) => {
  const { code, out, err } = await ended
  if (code !== 0) throw new Error(err)
  return JSON.parse(out)
}
const list = () => parsed(local('stop --list --json'))
const records = async () =>
  (await local('audit')).out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
/** Starts a task of the caller `pipeline` that hangs, and returns its id. */
const hang = async (key: string): Promise<string> => {
  const body = { input: { target: 'clear-cache', parameters: { outcome: 'hang' } } }
  const headers = { 'content-type': 'application/json' }
  const path = `/v1/remediation/run-runbook?mode=interactive&key=${key}`
  return (await service.call(path, JSON.stringify(body), { token, headers })).body.taskId
}
const openIssue = () => service.openIssue(triggered({ input: { title: 'Slow' } }))

/** Writes the item with the stops as something other than the function of stops. */
async function forge(item: object): Promise<void> {
  const { dynamodb: endpoint, ...credentials } = runtime()
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, credentials, region: 'eu-west-1' }))
  await client.send(new PutCommand({ TableName: STATE_TABLE, Item: { id: itemKeys.stops, ...item } }))
  client.destroy()
}

beforeEach(() => local('resume --all'))

describe('webhooks stop and resume', () => {
  it.each([
    ['the local runtime', local, 'an operator', 'an operator'],
    ['a stack', asOperator, 'operator Jane', 'arn:aws:iam::123456789012:user/Jane'],
  ] as const)(
    'stop and resume in %s, with the person in messages and in the audit records',
    async (_, run, by, arn) => {
      const line =
        'stop --reason "bad release" --action "issue-ticketing/*" ci-cd/cancel-run --caller demo --refuse --yes'
      const stop = await parsed(run(`${line} --until 23:59 --json`))
      expect(stop).toMatchObject({
        reason: 'bad release',
        by,
        callers: ['demo'],
        refuse: true,
        actions: ['issue-ticketing/*', 'ci-cd/cancel-run'],
      })
      const { status, headers, body } = await openIssue()
      expect([status, headers.get('retry-after'), body.title]).toEqual([503, '60', 'Stopped'])
      expect(body.detail).toMatch(`Stopped by ${by}: bad release.`)
      expect((await run('stop --list')).out).toMatch(
        new RegExp(
          `^ID .*\\n${stop.id} .* ${by} .*issue-ticketing/\\*, ci-cd/cancel-run called by demo +bad release\\.$`,
          'm',
        ),
      )
      expect(await run(`resume ${stop.id}`)).toMatchObject({ code: 0, out: expect.stringContaining('Resumed: ') })
      expect(await list()).toEqual([])
      const { by: _by, at: _at, ...recorded } = stop
      const found = (await records()).filter(({ auditId }) => auditId.endsWith(stop.id))
      expect(found).toMatchObject([
        { audit: 'stop', auditId: `stop-${stop.id}`, by: arn, outcome: 'accepted', stop: recorded },
        { audit: 'resume', auditId: `resume-${stop.id}`, by: arn, outcome: 'accepted', stop: recorded },
      ])
    },
  )

  it('asks for a confirmation at a terminal, and needs --yes without one', async () => {
    expect(await local('stop --reason test')).toMatchObject({ code: 2, err: expect.stringContaining('Pass --yes.') })
    const env = { WEBHOOKS_STATE: service.state }
    const question = 'Stop everything, except remediation/*?'
    const asked = await atTerminal('stop --reason test --except "remediation/*"', [[question, enter]], { env })
    expect(asked).toMatchObject({ code: 0, out: expect.stringContaining('Nothing was changed.') })
    expect(await list()).toEqual([])
  })

  it.each([
    ['stop', 'Pass --reason'],
    ['stop --reason " " --yes', 'must say why'],
    ['stop --reason test --action ci-cd/no-such-action --yes', 'No action matches it.'],
    ['stop --reason test --until yesterday --yes', 'a time in the future'],
    ['resume a --all', 'Pass an id or --all.'],
  ])('%s explains what is wrong', async (line, text) => {
    expect(await local(line)).toMatchObject({ code: 2, err: expect.stringContaining(text) })
  })

  it('resume needs an id if there are several stops', async () => {
    const stops = stopsOfRuntime(runtime())
    await Promise.all(['one', 'two'].map((reason) => stops({ operation: 'stop', reason })))
    expect(await local('resume')).toMatchObject({ code: 2, err: expect.stringContaining('There are several stops.') })
    expect(await local('resume nothing')).toMatchObject({
      code: 1,
      err: expect.stringContaining('There is no stop nothing.'),
    })
    expect(await local('resume --all')).toMatchObject({ code: 0 })
    expect(await local('resume')).toMatchObject({ code: 0, out: 'Nothing is stopped.\n' })
  })

  it.each([
    ['the local runtime', local],
    ['a stack', asOperator],
  ] as const)('--cancel cancels the running tasks in %s that the stop matches', async (place, run) => {
    const [canceled, continues] = [await hang(`cancel-${place}`.replaceAll(' ', '-')), await openAndHang()]
    const line = 'stop --reason test --caller pipeline --cancel --yes'
    const { code, err } = await run(line)
    expect([code, err]).toEqual([
      0,
      expect.stringContaining(`Canceling 1 of 1: remediation/${canceled} (run-runbook, default)`),
    ])
    const status = async (id: string) =>
      (await service.call(`/v1/remediation/tasks/${id}`, undefined, { method: 'GET' })).body
    await service.until(async () => (await status(canceled)).verdict === 'aborted', 'the end of the task')
    expect((await status(continues)).state).toBe('running')
  })

  it('explains that a stack has no such function, or that no runtime runs', async () => {
    const none = { code: 2, err: expect.stringContaining('The local runtime does not run.') }
    expect(await webhooks('stop --list', { env: { WEBHOOKS_STATE: '/nonexistent' } })).toMatchObject(none)
    const stack = await webhooks('stop --list --stack Other', { env: aws.env })
    expect(stack).toMatchObject({ code: 2, err: expect.stringContaining('The stack Other has no function for stops.') })
  })
})

/** Starts a task of the caller `demo` that hangs. */
async function openAndHang(): Promise<string> {
  const event = triggered({ input: { target: 'clear-cache', parameters: { outcome: 'hang' } } })
  return (await service.call('/v1/remediation/run-runbook?mode=interactive', event)).body.taskId
}

describe('Stops that something else has written', () => {
  it.each([
    ['a forged seal', { version: 3, stops: '[]', seal: 'forged' }],
    ['no seal', { version: 3, stops: '[]' }],
    ['fields of other types', { version: 'x', stops: 1, seal: 7 }],
    ['nothing else', {}],
  ])('stop everything with %s, until someone resumes', async (_, item) => {
    await forge(item)
    expect(await list()).toMatchObject([{ id: 'unverified' }])
    const resumed = await local('resume')
    expect(resumed).toMatchObject({ code: 0, out: expect.stringContaining('The stops were written again.') })
    expect(await list()).toEqual([])
    expect((await records()).at(-1)).toMatchObject({ audit: 'resume', by: 'an operator', stop: { id: 'unverified' } })
  })
})

describe('webhooks doctor', () => {
  it('lists the stops of the local runtime, and those that are not verified', async () => {
    process.env['WEBHOOKS_STATE'] = service.state
    expect(await localStops()).toEqual([{ what: 'stops', state: 'ok', found: 'none' }])
    await forge({ version: 1, stops: '[]', seal: 'forged' })
    expect(await localStops()).toMatchObject([{ what: 'stop unverified', state: 'wrong' }])
    process.env['WEBHOOKS_STATE'] = '/nonexistent'
    expect(await localStops()).toEqual([])
  })

  it.each([
    ['was set now', {}, 'ok', /^everything, by jane/],
    ['is older than a day', { at: -25 }, 'note', /^in force for 1 d: everything/],
    ['has ended by itself', { until: -1 }, 'note', /^has ended by itself: everything/],
  ])('finds a stop that %s', (_, { at = 0, until }: { at?: number; until?: number }, state, found) => {
    const now = Date.now()
    const stop = { id: 'a', reason: 'bad release', by: 'jane', at: now + at * 3_600_000 }
    const finding = findingOf(until === undefined ? stop : { ...stop, until: now + until }, ' --stack Prod', now)
    expect(finding).toMatchObject({ what: 'stop a', state, found: expect.stringMatching(found) })
    if (state === 'note') expect(finding.advice).toContain('npx webhooks resume a --stack Prod')
  })
})

describe('The end of a stop', () => {
  const now = new Date(2026, 11, 3, 17, 30).getTime()

  it.each([
    ['18:00', new Date(2026, 11, 3, 18, 0)],
    ['17:30', new Date(2026, 11, 4, 17, 30)],
    ['8:05', new Date(2026, 11, 4, 8, 5)],
    ['2026-12-05T18:00', new Date(2026, 11, 5, 18, 0)],
    ['2026-12-05T18:00+01:00', new Date('2026-12-05T17:00Z')],
  ])('%s is the next such time', (text, expected) => {
    expect(parseUntil(text, undefined, now)).toBe(expected.getTime())
  })

  it.each(['24:00', '2020-01-01T00:00Z', '2026-12-05', 'tomorrow'])('%s is refused', (text) => {
    expect(() => parseUntil(text, undefined, now)).toThrow('a time in the future')
  })
})
