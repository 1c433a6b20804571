import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

const TOKEN = 'token-of-the-alert-sender'
const prefix = 'cloud-automation-webhooks'
const eventsFile = join(temporaryFolder(), 'events.yaml')
const opening = {
  name: 'open',
  source: 'alerts',
  call: 'issue-ticketing/open-issue',
  input: "{title: labels.alertname, labels: ['alert'], description: annotations.text}",
}
const rules = [
  opening,
  {
    name: 'close',
    source: 'alerts',
    call: 'issue-ticketing/close-issue',
    input: "{comment: 'Resolved'}",
    closes: 'open',
  },
  { ...opening, name: 'broken', on: "labels.alertname == 'Broken'", input: 'length(labels.number)' },
  { ...opening, name: 'open-limited', source: 'limited' },
  { ...opening, name: 'open-slowly', source: 'slow' },
  { ...opening, name: 'open-nothing', source: 'reading' },
  {
    ...opening,
    name: 'open-grouped',
    source: 'storm',
    group: {
      by: 'labels.service',
      max: 2,
      per: 'PT1M',
      input: "{title: join('', ['And ', to_string(more), ' more of ', group])}",
    },
  },
]
const names = ['alerts', 'limited', 'slow', 'storm', 'reading']
const sources = Object.fromEntries(names.map((name) => [name, { type: 'alertmanager' }]))
writeFileSync(eventsFile, JSON.stringify({ sources, rules }))

const secrets = {
  [`${prefix}/sources/alerts`]: { token: TOKEN, allow: ['issue-ticketing/*'] },
  [`${prefix}/sources/limited`]: { token: TOKEN, allow: ['issue-ticketing/close-issue'] },
  [`${prefix}/sources/slow`]: { token: TOKEN, callsPerMinute: 3 },
  [`${prefix}/sources/storm`]: { token: TOKEN },
  [`${prefix}/sources/reading`]: { token: TOKEN, writes: 'deny' },
}
const service = new Service({ eventsFile, timeScale: 30, secrets })
beforeAll(() => service.start())
afterAll(() => service.end())

interface SentAlert {
  status?: 'firing' | 'resolved'
  labels: Record<string, unknown>
  annotations?: Record<string, string>
  startsAt?: string
}

const alert = ({ status = 'firing', startsAt = '2026-11-30T10:00:00Z', annotations = {}, labels }: SentAlert) => ({
  status,
  labels,
  annotations,
  startsAt,
  endsAt: status === 'resolved' ? '2026-11-30T10:05:00Z' : '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus.example.org/graph',
  fingerprint: String(labels['alertname']),
})

function send(alerts: SentAlert[], source = 'alerts', token: string | null = TOKEN) {
  return service.call(`/v1/events/${source}`, { version: '4', status: 'firing', alerts: alerts.map(alert) }, { token })
}

const issues = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)
const states = async (title: string) => (await issues(title)).map(({ state }) => state)

/** Calls the runtime's SQS. */
async function sqs(operation: string, request: object) {
  const runtime = readRuntimeFile(service.state)?.aws
  if (!runtime) throw new Error('The runtime does not run.')
  const response = await fetch(runtime.endpoint, {
    method: 'POST',
    headers: { authorization: authorizationWith(runtime), 'x-amz-target': `AmazonSQS.${operation}` },
    body: JSON.stringify(request),
  })
  return (await response.json()) as { Attributes: Record<string, string> }
}

/** Returns how many messages are in a queue. */
async function queued(queue: 'alerts' | 'alerts-dead-letters'): Promise<number> {
  const { Attributes: attributes } = await sqs('GetQueueAttributes', { QueueUrl: queue })
  return Number(attributes['ApproximateNumberOfMessages'])
}

/** Waits until every alert is handled, and every task has ended. */
async function handled() {
  await service.until(async () => (await queued('alerts')) === 0, 'an empty queue')
  await service.ended()
}

describe('An alert', () => {
  it('opens a ticket, and its end closes it', async () => {
    const labels = { alertname: 'DiskFull' }
    expect(await send([{ labels }])).toMatchObject({ status: 200, body: { calls: 1, woken: 0 } })
    await service.until(async () => (await issues('DiskFull')).length === 1, 'the ticket')
    expect(await send([{ labels, status: 'resolved' }])).toMatchObject({ status: 200, body: { calls: 1 } })
    await service.until(async () => (await states('DiskFull'))[0] === 'closed', 'the closed ticket')
  })

  it('is the same call if each notification is sent twice, even with another text', async () => {
    const labels = { alertname: 'Twice' }
    await waitForAll(['95 %', '96 %'].map((text) => send([{ labels, annotations: { text } }])))
    await service.until(async () => (await issues('Twice')).length > 0, 'the ticket')
    const end: SentAlert[] = [{ labels, status: 'resolved' }]
    await waitForAll([send(end), send(end)])
    await service.until(async () => (await states('Twice'))[0] === 'closed', 'the closed ticket')
    await send([{ labels }])
    await handled()
    expect(await states('Twice')).toEqual(['closed'])
  })

  it('opens nothing if its end arrives first, and something if it starts again', async () => {
    const labels = { alertname: 'Late' }
    await send([{ labels, status: 'resolved' }])
    await handled()
    await send([{ labels }])
    await handled()
    expect(await states('Late')).toEqual([])
    await send([{ labels, startsAt: '2026-11-30T11:00:00Z' }])
    await service.until(async () => (await states('Late'))[0] === 'open', 'the ticket')
  })

  it('is closed when its ticket is open, if it ends before', async () => {
    const labels = { alertname: 'Quick' }
    await service.fault({ target: 'github', kind: '503' })
    await send([{ labels }])
    await service.until(async () => (await service.tasks()).some(({ status }) => status === 'RUNNING'), 'the task')
    await send([{ labels, status: 'resolved' }])
    await service.until(async () => (await queued('alerts')) > 0, 'the end that waits')
    expect(await states('Quick')).toEqual([])
    await service.clearFaults()
    await service.until(async () => (await states('Quick'))[0] === 'closed', 'the closed ticket')
  })

  it('is not lost if the runtime is killed after the answer', async () => {
    const labels = { alertname: 'Killed' }
    await send([{ labels }])
    await service.kill()
    await service.start()
    await service.until(async () => (await issues('Killed')).length === 1, 'the ticket')
    await send([{ labels, status: 'resolved' }])
    await service.kill()
    await service.start()
    await service.until(async () => (await states('Killed'))[0] === 'closed', 'the closed ticket')
    await handled()
    expect(await states('Killed')).toEqual(['closed'])
  })

  it('does not need rules that can be evaluated for those that can', async () => {
    const { body } = await send([{ labels: { alertname: 'Broken', number: 7 } }, { labels: { alertname: 'Complete' } }])
    expect(body).toMatchObject({ calls: 2 })
    await service.until(
      async () => (await issues('Broken')).length + (await issues('Complete')).length === 2,
      'the tickets',
    )
    const lines = service.logs().filter(({ rule, reason }) => rule === 'broken' && reason !== undefined)
    expect(lines).toEqual([expect.objectContaining({ alert: 0, reason: expect.stringContaining('rules.2.input') })])
    expect(service.logs()).toContainEqual(expect.objectContaining({ message: 'notification', ruleProblems: 1 }))
  })

  it('is refused with 401 without the credentials of its source, and stored nowhere', async () => {
    const labels = { alertname: 'Forged' }
    for (const token of ['wrong-token-of-the-sender', null])
      expect(await send([{ labels }], 'alerts', token)).toMatchObject({ status: 401 })
    await handled()
    expect(await issues('Forged')).toEqual([])
    expect(service.output).not.toContain('Forged')
  })
})

describe('The calls of a source', () => {
  it('are refused beyond its limits, and made after the limits are extended', async () => {
    await send([{ labels: { alertname: 'Limited' } }], 'limited')
    await send([{ labels: { alertname: 'Denied' } }], 'reading')
    await service.until(async () => (await queued('alerts-dead-letters')) === 2, 'the dead letters')
    expect(service.logs()).toContainEqual(
      expect.objectContaining({
        alertRefused: true,
        reason: 'open-nothing: The secret of the source reading allows no writes.',
      }),
    )
    expect(service.logs()).toContainEqual(
      expect.objectContaining({
        alertRefused: true,
        reason: expect.stringMatching(
          /open-limited: The caller source-limited may not call issue-ticketing\/open-issue/,
        ),
      }),
    )
    const extended = ['limited', 'reading'].map((name) => [`${prefix}/sources/${name}`, { token: TOKEN }])
    service.rotate({ ...secrets, ...Object.fromEntries(extended) })
    const redrive = () => webhooks('events redrive --local', { env: { WEBHOOKS_STATE: service.state } })
    expect(await redrive()).toEqual({ code: 0, out: 'About 2 alerts are being handled again.\n', err: '' })
    for (const title of ['Limited', 'Denied'])
      await service.until(async () => (await issues(title)).length === 1, 'the ticket')
    expect(await redrive()).toMatchObject({ code: 0, out: 'The dead-letter queue is empty.\n' })
  })

  it('wait if there are too many in a minute', async () => {
    const alerts = Array.from({ length: 6 }, (_, at) => ({ labels: { alertname: `Slow ${at}` } }))
    await send(alerts, 'slow')
    await service.until(() => service.output.includes('may send 3 calls per minute'), 'a call that waits')
    const opened = async () => (await service.issues()).filter(({ title }) => title.startsWith('Slow ')).length
    await service.until(async () => (await opened()) >= 3, 'the first tickets')
    expect(await queued('alerts')).toBeGreaterThan(0)
    expect(await queued('alerts-dead-letters')).toBe(0)
  })

  it('are audited with the name of the source', () => {
    const lines = service.logs().filter(({ audit, caller }) => audit === 'call' && caller === 'source-alerts')
    expect(lines).toContainEqual(expect.objectContaining({ action: 'open-issue', outcome: 'accepted' }))
  })
})

describe('A storm of alerts', () => {
  it('is stored before the answer, and makes few calls for a group', async () => {
    const ofService = (name: string, count: number): SentAlert[] =>
      Array.from({ length: count }, (_, at) => ({ labels: { alertname: `${name} ${at}`, service: name } }))
    const storm = [...ofService('shop', 30), ...ofService('cart', 2)]
    expect(await send(storm, 'storm')).toMatchObject({ status: 200, body: { calls: 32 } })
    await service.kill()
    await service.start()
    const opened = async (name: string) =>
      (await service.issues()).filter(({ title }) => title.startsWith(`${name} `)).length
    await service.until(async () => (await opened('shop')) === 2 && (await opened('cart')) === 2, 'the first tickets')
    // The sender repeats all of them.
    await send(storm, 'storm')
    await service.until(() => service.output.includes('The period of the group has not ended'), 'the end of the period')
    expect([await opened('shop'), await opened('cart')]).toEqual([2, 2])
  })
})

describe('A notification of an alert that is sent to an action', () => {
  it.each([
    ['Alertmanager', { alerts: [{ status: 'resolved', labels: {} }] }],
    ['PagerDuty', { event: { event_type: 'incident.triggered', data: {} } }],
    ['SNS', { Type: 'Notification', TopicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms', Message: '{}' }],
    ['EventBridge', { 'detail-type': 'CloudWatch Alarm State Change', detail: {} }],
  ])('is refused with a key in the URL: %s', async (_sender, body) => {
    const { status, body: problem } = await service.openIssue(body, '?key=constant')
    expect({ status, detail: problem.detail }).toEqual({
      status: 400,
      detail: expect.stringMatching(/key must be omitted: .*Declare the sender as a source in events\.yaml/),
    })
  })

  it('is a call like any other for another body', async () => {
    const body = { input: { title: 'With a key' }, alerts: [{ name: 'a' }] }
    expect((await service.openIssue(body, '?key=constant')).body.detail ?? '').not.toContain('events.yaml')
  })
})

describe('The alias for alerts', () => {
  const invoke = async (payload: object) => {
    const client = service.lambdaClient()
    const sent = { FunctionName: 'issue-ticketing-webhook:events', Payload: JSON.stringify(payload) }
    const { Payload } = await client.send(new InvokeCommand(sent))
    return JSON.parse(Buffer.from(Payload ?? []).toString())
  }

  it.each([
    ['another caller', { caller: 'demo', action: 'open-issue', id: 'a', input: { title: 'Forged' } }],
    ['another caller and a source', { source: 'alerts', caller: 'demo', action: 'open-issue', id: 'a', input: {} }],
    ['a request', { httpMethod: 'POST', path: '/issue-ticketing/open-issue', headers: {} }],
    ['a source that does not exist', { source: 'unknown', action: 'open-issue', id: 'a', input: { title: 'Forged' } }],
    ['the name of another secret', { source: '../callers', action: 'open-issue', id: 'a', input: { title: 'Forged' } }],
  ])('does not accept %s', async (_what, payload) => {
    expect(await invoke(payload)).toEqual({ refusal: expect.objectContaining({ isTransient: false }) })
  })

  it('shows a source no tasks of others', async () => {
    const { body } = await service.openIssue(triggered(), '?mode=interactive')
    expect(await invoke({ source: 'alerts', taskId: body.taskId })).toEqual({
      refusal: expect.objectContaining({ message: expect.stringContaining(body.taskId) }),
    })
  })
})
