import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { setupFor } from '../../infra/cli/sources/credentials.ts'
import { alertmanager } from '../../shared/sources/types/alertmanager.ts'
import { freePort, until } from '../e2e/service.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { ticketsOfAlerts } from './alert-tickets.ts'

const folder = temporaryFolder()
const { service, token, tickets, deliveries, expectTickets } = ticketsOfAlerts(
  folder,
  'alertmanager',
  'labels.alertname',
)
const port = await freePort()
const url = `http://127.0.0.1:${port}`
let server: ChildProcess | undefined

/** Starts Alertmanager with the receiver of the documentation. A crash loses its alerts. */
async function startAlertmanager(): Promise<void> {
  const config = join(folder, 'alertmanager.yml')
  const flags = [`--config.file=${config}`, `--storage.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`]
  server = spawn('/usr/bin/prometheus-alertmanager', [...flags, '--cluster.listen-address='], { stdio: 'ignore' })
  const isReady = () =>
    fetch(`${url}/-/ready`)
      .then(({ ok }) => ok)
      .catch(() => false)
  await until(isReady, 20, () => 'Alertmanager')
}

async function killAlertmanager(): Promise<void> {
  if (!server || server.signalCode !== null) return
  server.kill('SIGKILL')
  await once(server, 'exit')
}

beforeAll(async () => {
  await service.start()
  const [, receiver = ''] = setupFor(alertmanager, { token }, `${service.url}/v1/events/alertmanager`, token)
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, token)
  const receivers = receiver.slice(receiver.indexOf('\n') + 1).replace('/etc/alertmanager/webhooks-token', tokenFile)
  const route = '{receiver: webhooks, group_by: [service], group_wait: 1s, group_interval: 1s, repeat_interval: 3s}'
  writeFileSync(join(folder, 'alertmanager.yml'), `route: ${route}\n${receivers}\n`)
  await startAlertmanager()
})
afterAll(async () => {
  await killAlertmanager()
  await service.end()
})

/** Posts an alert, as Prometheus does again and again. */
async function post(name: string, startsAt: Date, endsAt?: Date): Promise<void> {
  const labels = { alertname: name, service: name.split('/')[0] }
  const response = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ labels, startsAt, endsAt: endsAt ?? new Date(Date.now() + 3_600_000) }]),
  })
  expect(response.status).toBe(200)
}

/** Waits for more notifications, so that a second ticket would be seen. */
async function expectRepeats(): Promise<void> {
  const before = deliveries()
  await until(
    async () => deliveries() >= before + 2,
    30,
    () => 'repeated notifications',
  )
}

describe('Alertmanager', () => {
  test('opens a ticket once, however often the alert is repeated, and closes it', async () => {
    const startsAt = new Date()
    await post('Slow', startsAt)
    await expectTickets('Slow', ['open'])
    await expectRepeats()
    await post('Slow', startsAt, new Date())
    await expectTickets('Slow', ['closed'])
  })

  test('opens another ticket when the alert fires again', async () => {
    await post('Slow', new Date())
    await expectTickets('Slow', ['closed', 'open'])
  })

  test('closes the ticket of the alert that has ended, while others of its group fire', async () => {
    const startsAt = new Date()
    await post('Shop/a', startsAt)
    await post('Shop/b', startsAt)
    await expectTickets('Shop/a', ['open'])
    await expectTickets('Shop/b', ['open'])
    await post('Shop/a', startsAt, new Date())
    await expectTickets('Shop/a', ['closed'])
    expect(await tickets('Shop/b')).toEqual(['open'])
  })

  test('opens no other ticket after a crash that has lost its alerts, and closes the first one', async () => {
    const startsAt = new Date()
    await post('Crash', startsAt)
    await expectTickets('Crash', ['open'])
    await killAlertmanager()
    await startAlertmanager()
    await post('Crash', startsAt)
    await expectRepeats()
    expect(await tickets('Crash')).toEqual(['open'])
    await post('Crash', startsAt, new Date())
    await expectTickets('Crash', ['closed'])
  })

  test('repeats what it could not send while the functions were down', async () => {
    const startsAt = new Date()
    await post('Down/first', startsAt)
    await expectTickets('Down/first', ['open'])
    await service.kill()
    await post('Down/first', startsAt, new Date())
    await post('Down/second', startsAt)
    const failed = 'alertmanager_notification_requests_failed_total{integration="webhook"}'
    const before = await metric(failed)
    await until(
      async () => (await metric(failed)) >= before + 2,
      30,
      () => 'failed notifications',
    )
    await service.start()
    await expectTickets('Down/first', ['closed'])
    await expectTickets('Down/second', ['open'])
  })
})

/** Returns the value of a metric of Alertmanager. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((candidate) => candidate.startsWith(name))
  return Number(line?.slice(name.length) ?? 0)
}
