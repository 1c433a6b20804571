import { randomBytes } from 'node:crypto'
import { readQueueLengths } from '../../local/queue-lengths.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { secretName } from '../secrets/secret-store.ts'
import { approveOrReject, countApprovals } from './approve.ts'
import type { Demo, Effects } from './demo.ts'
import type { DemoRuntime } from './demo-runtime.ts'
import { until } from './until.ts'

const POLICY = `approval: { connection: default, channel: C0RELEASES }
rules:
  - name: runbooks
    when: { actions: [remediation/*] }
    approve: {}
`
const EVENTS = `sources:
  alerts: { type: alertmanager }
rules:
  - name: open
    source: alerts
    call: issue-ticketing/open-issue
    input: "{title: labels.alertname, description: annotations.description}"
  - name: repair
    source: alerts
    on: status == 'firing' && labels.severity == 'critical'
    call: remediation/run-runbook
    input: "{target: 'clear-cache', parameters: {host: labels.instance}}"
  - name: close
    source: alerts
    call: issue-ticketing/close-issue
    input: "{comment: 'The alert has ended.'}"
    closes: open
`
const ALERT = 'DiskFull'
const STARTS_AT = '2026-11-30T10:00:00Z'

type AlertEffects = Record<'tickets' | 'closedTickets' | 'runbooks' | 'approvals', number>

/**
 * An incident: an alert opens a ticket, and starts a runbook after a person has approved it. The end of the alert closes the ticket.
 * Then every notification is sent twice more.
 */
export function alertDemo(): Demo {
  const token = randomBytes(24).toString('base64url')
  const secret = { token, allow: ['issue-ticketing/*', 'remediation/run-runbook'] }
  return {
    settings: { policy: POLICY, secrets: { [secretName('sources/alerts')]: secret }, events: EVENTS },
    setting: `with a policy (people approve runbooks) and these rules:\n\n${EVENTS}`,
    play: (runtime, print) => play(runtime, token, print),
    expected: { tickets: 1, closedTickets: 1, runbooks: 1, approvals: 1, unchanged: true },
    expectedIfRejected: { runbooks: 0 },
  }
}

async function play(runtime: DemoRuntime, token: string, print: (line: string) => void): Promise<Effects> {
  const send = async (status: 'firing' | 'resolved') => {
    const { calls } = await notify(runtime.url, token, status)
    const accepted = `${calls} ${calls === 1 ? 'call' : 'calls'}`
    print(`sender   Alertmanager reports ${ALERT}: ${status}. Its rules make ${accepted}, stored before it gets 200`)
  }
  const untilEffect = (what: keyof AlertEffects) =>
    until(what, async () => ((await readEffects(runtime))[what] > 0 ? true : undefined))
  await send('firing')
  await untilEffect('tickets')
  print(`ticket   opened by the rule open: ${ALERT}`)
  await approveOrReject(runtime, print)
  if (runtime.decision === 'approve') {
    await untilEffect('runbooks')
    print('runbook  started by the rule repair, because it was approved')
  }
  await untilIdle(runtime)
  print(`runbook  ${runtime.decision === 'approve' ? 'ended' : 'not started'}`)
  await send('resolved')
  await untilEffect('closedTickets')
  print('ticket   closed by the rule close, with the id that the rule open got')
  await untilIdle(runtime)
  const before = await readEffects(runtime)
  print('sender   repeats everything twice. The same alert in the same state is the same call')
  for (const status of ['firing', 'resolved', 'firing', 'resolved'] as const) await send(status)
  await untilIdle(runtime)
  const after = await readEffects(runtime)
  const unchanged = JSON.stringify(after) === JSON.stringify(before)
  print(
    `runtime  ${unchanged ? 'did nothing again' : `did more: ${JSON.stringify(before)} became ${JSON.stringify(after)}`}`,
  )
  return { ...after, unchanged }
}

/** Sends a notification as Alertmanager does. */
async function notify(url: string, token: string, status: 'firing' | 'resolved'): Promise<{ calls: number }> {
  const labels = { alertname: ALERT, instance: 'db-1', severity: 'critical' }
  const annotations = { description: 'The disk of db-1 is full.' }
  const endsAt = status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-11-30T10:05:00Z'
  const alert = { status, labels, annotations, startsAt: STARTS_AT, endsAt, fingerprint: 'c1b0c5a3ed96a96b' }
  const body = {
    version: '4',
    receiver: 'webhooks',
    status,
    groupKey: `{}:{alertname="${ALERT}"}`,
    truncatedAlerts: 0,
    groupLabels: { alertname: ALERT },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: 'http://alertmanager.example.com',
    alerts: [alert],
  }
  const response = await fetch(`${url}/v1/events/alerts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`The notification was refused: ${response.status} ${await response.text()}`)
  return (await response.json()) as { calls: number }
}

/** Waits until every alert is handled, and every task has ended. */
function untilIdle(runtime: DemoRuntime): Promise<true> {
  return until('the end of all tasks', async () => {
    const { aws } = readRuntimeFile(runtime.state) ?? {}
    if (!aws) throw new Error('The local runtime has ended.')
    const { waiting } = await readQueueLengths({ endpoint: aws.endpoint, credentials: aws })
    const { tasks } = await runtime.list<{ tasks: { status: string }[] }>('tasks')
    return waiting === 0 && tasks.every(({ status }) => status !== 'RUNNING') ? true : undefined
  })
}

async function readEffects(runtime: DemoRuntime): Promise<AlertEffects> {
  const issues = await runtime.list<{ title: string; state: string }[]>('sandbox/issues')
  const runs = await runtime.list<object[]>('sandbox/runs')
  const tickets = issues.filter(({ title }) => title === ALERT)
  return {
    tickets: tickets.length,
    closedTickets: tickets.filter(({ state }) => state === 'closed').length,
    runbooks: runs.length,
    approvals: await countApprovals(runtime),
  }
}
