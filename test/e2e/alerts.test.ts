import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { authorizationWith } from '../../infra/local/cloud/index.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const TOKEN = 'token-of-the-alert-sender'
const prefix = 'cloud-automation-webhooks'
const eventsFile = join(temporaryFolder(), 'events.yaml')
const opening = {
  name: 'open',
  source: 'alerts',
  on: "status == 'firing'",
  each: 'alerts',
  key: "join('/', [fingerprint, startsAt])",
  call: 'issue-ticketing/open-issue',
  input: "{title: labels.alertname, labels: ['alert'], description: annotations.text}",
}
const closing = {
  name: 'close',
  on: "status == 'resolved'",
  call: 'issue-ticketing/close-issue',
  input: "{comment: 'Resolved'}",
  closes: 'open',
}
const rules = [
  opening,
  { ...opening, ...closing },
  { ...opening, name: 'broken', on: "labels.alertname == 'Broken'", input: 'length(labels.number)' },
  { ...opening, name: 'open-limited', source: 'limited' },
]
const sources = { alerts: { type: 'http' }, limited: { type: 'http' } }
writeFileSync(eventsFile, JSON.stringify({ sources, rules }))

const service = new Service({
  eventsFile,
  timeScale: 30,
  secrets: {
    [`${prefix}/sources/alerts`]: { token: TOKEN, allow: ['issue-ticketing/*'] },
    [`${prefix}/sources/limited`]: { token: TOKEN, allow: ['issue-ticketing/close-issue'] },
  },
})
beforeAll(() => service.start())
afterAll(() => service.end())

interface SentAlert {
  status?: 'firing' | 'resolved'
  labels: Record<string, unknown>
  annotations?: Record<string, string>
  startsAt?: string
}

const alert = ({ status = 'firing', startsAt = '2026-11-30T10:00:00Z', ...rest }: SentAlert) => ({
  fingerprint: String(rest.labels['alertname']),
  status,
  startsAt,
  ...rest,
})

function send(alerts: SentAlert[], source = 'alerts', token: string | null = TOKEN) {
  return service.call(`/v1/events/${source}`, { alerts: alerts.map(alert) }, { token })
}

const issues = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)
const states = async (title: string) => (await issues(title)).map(({ state }) => state)

/** Returns how many messages are in a queue. */
async function queued(queue: 'alerts' | 'alerts-dead-letters'): Promise<number> {
  const runtime = readRuntimeFile(service.state)?.aws
  if (!runtime) throw new Error('The runtime does not run.')
  const response = await fetch(runtime.endpoint, {
    method: 'POST',
    headers: { authorization: authorizationWith(runtime), 'x-amz-target': 'AmazonSQS.GetQueueAttributes' },
    body: JSON.stringify({ QueueUrl: queue }),
  })
  const { Attributes: attributes } = (await response.json()) as { Attributes: Record<string, string> }
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
    await send([{ labels, status: 'resolved' }])
    await service.until(async () => (await states('DiskFull'))[0] === 'closed', 'the closed ticket')
  })

  it('is the same call if every notification is sent twice with another text', async () => {
    const labels = { alertname: 'Twice' }
    await Promise.all([
      send([{ labels, annotations: { text: '95 %' } }]),
      send([{ labels, annotations: { text: '96 %' } }]),
    ])
    await service.until(async () => (await issues('Twice')).length > 0, 'the ticket')
    const end: SentAlert[] = [{ labels, status: 'resolved' }]
    await Promise.all([send(end), send(end)])
    await service.until(async () => (await states('Twice'))[0] === 'closed', 'the closed ticket')
    await send([{ labels }])
    await handled()
    expect(await states('Twice')).toEqual(['closed'])
  })
})
