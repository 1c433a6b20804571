import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createAuditLog, readAuditLog } from '../../../infra/local/audit-log.ts'
import { type Call, ok, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { Service, triggered } from '../../e2e/service.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

type Record = { [field: string]: unknown; auditId: string }

const recordsIn = (out: string): Record[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** Returns a line of the log. */
function line(auditId: string | null, timestamp: string, more: object = {}): string {
  return JSON.stringify({ level: 'INFO', message: 'audit', timestamp, audit: 'task', auditId, ...more })
}

describe('webhooks audit of the local runtime', () => {
  const folder = temporaryFolder()
  const policyFile = join(folder, 'policy.yaml')
  writeFileSync(
    policyFile,
    'rules: [{ name: no updates, when: { actions: [issue-ticketing/update-issue] }, deny: No }]',
  )
  const service = new Service({ policyFile })
  const audit = (options = '') => webhooks(`audit ${options}`, { env: { WEBHOOKS_STATE: service.state } })
  beforeAll(() => service.start())
  afterAll(() => service.end())

  it('prints each action once, also after a restart', async () => {
    const silent = triggered({ input: { title: 'Silent' } })
    for (let n = 0; n < 2; n++) await service.openIssue(silent)
    const { body } = await service.openIssue(triggered({ input: { title: 'In a task' } }), '?mode=interactive')
    const update = triggered({ input: { id: 'demo/shop#1', comment: 'No' } })
    expect((await service.call('/v1/issue-ticketing/update-issue', update)).status).toBe(403)
    await service.until(
      async () => (await audit()).out.includes(`"auditId":"${body.taskId}"`),
      'the record of the task',
    )
    await service.kill()
    await service.start()
    await service.openIssue(triggered({ input: { title: 'After the restart' } }))
    await service.until(async () => recordsIn((await audit()).out).length === 4, 'the record after the restart')
    const { code, out, err } = await audit('--format jsonl')
    const records = recordsIn(out)
    expect(code).toBe(0)
    expect(records.map(({ audit, outcome, mode, rules }) => ({ audit, outcome, mode, rules }))).toEqual(
      expect.arrayContaining([
        { audit: 'call', outcome: 'pass', mode: 'silent', rules: [] },
        { audit: 'task', outcome: 'pass', mode: 'interactive', rules: [] },
        { audit: 'call', outcome: 'rejected', mode: 'silent', rules: ['no updates'] },
      ]),
    )
    // The restart may also repeat the record of the task.
    expect(err).toMatch(/^4 records from .* to .*\. (?:1 repeat|2 repeats) omitted\.\n$/)
    const times = records.map(({ timestamp }) => String(timestamp))
    expect(times).toEqual([...times].sort())
    expect(out).not.toMatch(/_aws/)
  })

  it('does not exist before the first start', async () => {
    const env = { WEBHOOKS_STATE: join(folder, 'none') }
    expect(await webhooks('audit', { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining('Run npm start, set WEBHOOKS_STATE, or pass --stack'),
    })
  })
})

describe('webhooks audit', () => {
  const state = temporaryFolder()
  mkdirSync(state, { recursive: true })
  const saved = [
    line('day-before', '2026-11-27T23:59:59.999Z'),
    line('b', '2026-11-28T12:00:00.000Z', { outcome: 'second', _aws: {}, Tasks: 1, added: 'later' }),
    line('a', '2026-11-28T09:00:00.000Z', {
      eventId: '=1+1',
      rules: ['one, two\u009b'],
      by: 'Jane "J" Doe',
      durationMs: 5,
    }),
    line('b', '2026-11-28T10:00:00.000Z', { outcome: 'first', caller: '@sum\u001b[2J\u009b2J', connection: '-a\nb' }),
    line('a', '2026-11-28T09:45:00.000Z', { eventId: 'written again' }),
    line(null, '2026-11-28T10:00:00.000Z'),
    '{"message":"audit","auditId":"incompl',
    line('day-after', '2026-11-29T00:00:00.000Z'),
  ]
  writeFileSync(join(state, 'audit.jsonl'), saved.join('\n'))
  const audit = (options: string) => webhooks(`audit ${options}`, { env: { WEBHOOKS_STATE: state } })

  it.each([
    ['--from 2026-11-28 --to 2026-11-28', ['a', 'b']],
    ['--from 2026-11-28T09:45:00.001Z --to 2026-11-29T01:00+01:00', ['b']],
    ['--from 2026-11-27 --to 2026-11-29T00:00:00.001Z', ['day-before', 'a', 'b', 'day-after']],
    ['--to 2026-11-28T09:30:00Z', ['day-before', 'a']],
  ])('%s prints the records of the period, oldest first', async (options, expected) => {
    const { code, out } = await audit(options)
    expect({ code, ids: recordsIn(out).map(({ auditId }) => auditId) }).toEqual({ code: 0, ids: expected })
  })

  it('prints the first line of a record, with fields of later versions and without those of metrics', async () => {
    const { out } = await audit('--from 2026-11-28 --to 2026-11-28 --json')
    const [, b] = recordsIn(out)
    expect(out).not.toMatch(/[^\n\x20-\x7e]/)
    expect(b).toMatchObject({ outcome: 'first', caller: '@sum\u001b[2J\u009b2J' })
    const [only] = recordsIn((await audit('--from 2026-11-28T11:00Z --to 2026-11-28')).out)
    expect(only).toEqual(JSON.parse(line('b', '2026-11-28T12:00:00.000Z', { outcome: 'second', added: 'later' })))
  })

  it('prints CSV that a spreadsheet does not run', async () => {
    const { out } = await audit('--from 2026-11-28 --to 2026-11-28 --format csv')
    expect(out).toBe(
      [
        'timestamp,auditId,audit,outcome,kind,category,action,connection,provider,mode,dryRun,caller,person,by,rules,decisions,inputDigest,eventId,taskId,durationMs,requestId,traceId,policyDigest,stop',
        `2026-11-28T09:00:00.000Z,a,task,,,,,,,,,,,"Jane ""J"" Doe","[""one, two\\u009b""]",,,'=1+1,,5,,,,`,
        `2026-11-28T10:00:00.000Z,b,task,first,,,,"'-a\nb",,,,'@sum[2J2J,,,,,,,,,,,,\n`,
      ].join('\r\n'),
    )
  })

  it.each([
    ['--from yesterday', 'It must be a day'],
    ['--from 2026-02-30', 'It must be a day'],
    ['--to 2026-11-28T09:30', 'It must be a day'],
    ['--from 1d --to 2d', 'The end of the period must be after its start.'],
    ['--json --format csv', "cannot be used with option '--format <format>'"],
    ['--format xml', 'Allowed choices are jsonl, csv.'],
  ])('%s is refused', async (options, message) => {
    expect(await audit(options)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })
})

describe('the audit log of the local runtime', () => {
  const write = (log: ReturnType<typeof createAuditLog>, text: string) =>
    log({ from: 'cloud', kind: 'log', at: 0, functionName: 'slo-task', stream: 'stdout', line: text })

  const state = temporaryFolder()
  it('keeps only records, and deletes the oldest ones', () => {
    const lines = Array.from({ length: 10 }, (_, n) => line(`record-${n}`, '2026-11-28T09:00:00.000Z'))
    // A runtime that starts again continues the file.
    for (const text of lines) write(createAuditLog(state, 250), text)
    for (const text of [line(null, ''), '{"message":"request"}']) write(createAuditLog(state, 250), text)
    const saved = readAuditLog(state)
    expect(saved).toEqual(lines.slice(-saved.length))
    expect(saved.length).toBeGreaterThan(2)
    expect(saved.length).toBeLessThan(8)
  })

  it('does not end the runtime if it cannot be written', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {})
    const log = createAuditLog(join(state, 'missing'))
    for (let n = 0; n < 2; n++) write(log, line('a', ''))
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^Audit records cannot be saved in .*ENOENT/)]])
    warn.mockRestore()
  })
})

describe('webhooks audit --stack', () => {
  let logs: Served
  let stored: { [group: string]: string[] } = {}
  const queries: { [field: string]: unknown }[] = []

  /** CloudWatch Logs. The first page of each log group is empty, as it may be for a large one. */
  function answer({ body }: Call): Reply {
    const query = body as { logGroupName: string; nextToken?: string }
    queries.push(query)
    if (query.nextToken === undefined) return ok({ events: [], nextToken: 'second' })
    return ok({ events: (stored[query.logGroupName] ?? []).map((message) => ({ message, timestamp: 0 })) })
  }
  beforeAll(async () => {
    logs = await serve(answer)
  })
  afterAll(() => logs.close())
  beforeEach(() => {
    aws.reset()
    logs.recover()
    queries.length = 0
    aws.functions = ['SloWebhookFunction', 'SloTaskFunction'].map((logicalId) => ({
      logicalId,
      isDurable: logicalId.includes('Task'),
      versions: [],
    }))
    stored = {
      '/aws/lambda/SloWebhookFunction': [line('c', '2026-11-28T11:00:00.000Z'), line(null, '2026-11-28T10:00:00.000Z')],
      '/aws/lambda/SloTaskFunction': [line('t', '2026-11-28T10:00:00.000Z'), line('t', '2026-11-28T10:00:01.000Z')],
    }
  })
  const audit = (options = '--from 2026-11-28 --to 2026-11-28') =>
    webhooks(`audit --stack CloudAutomationWebhooks ${options}`, {
      env: { ...aws.env, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.url },
    })

  it('reads all pages of the logs of all functions, and prints their records in order', async () => {
    const { code, out, err } = await audit()
    expect({ code, ids: recordsIn(out).map(({ auditId }) => auditId) }).toEqual({ code: 0, ids: ['t', 'c'] })
    expect(err).toContain('Reading 2 log groups of CloudAutomationWebhooks ...')
    expect(err).toContain('2 records from 2026-11-28T00:00:00.000Z to 2026-11-29T00:00:00.000Z. 1 repeat omitted.')
    const day = Date.parse('2026-11-28')
    expect(queries).toHaveLength(4)
    expect(queries[0]).toEqual({
      logGroupName: '/aws/lambda/SloWebhookFunction',
      filterPattern: '{ $.message = "audit" }',
      startTime: day - 60_000,
      endTime: day + 86_400_000 + 60_000,
    })
  })

  it('repeats a read while AWS is busy', async () => {
    logs.failNext(400, { __type: 'ThrottlingException', message: 'Rate exceeded' })
    const { code, out, err } = await audit()
    expect({ code, count: recordsIn(out).length }).toEqual({ code: 0, count: 2 })
    expect(err).toContain('CloudWatch Logs is busy (ThrottlingException). Trying again ...')
  })

  it('prints nothing if a log cannot be read, and names the permission', async () => {
    const message = 'User is not authorized to perform: logs:FilterLogEvents on resource: x'
    logs.failNext(400, { __type: 'AccessDeniedException', message })
    expect(await audit()).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('Let an administrator allow logs:FilterLogEvents, and try again.'),
    })
  })

  it('refuses a stack that does not exist', async () => {
    aws.functions = []
    expect(await audit()).toMatchObject({ code: 2, err: expect.stringContaining('has no functions. Check the name') })
  })
})
