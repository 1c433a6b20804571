import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Row } from '../../infra/local/console/waterfall-row.ts'
import type { SentNotification } from '../../infra/sandbox/platforms/sandbox/notifications/notifier.ts'
import { alertRules } from '../prove/alerts.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

/** A second of a task lasts 100 seconds, so only a notification ends one within a test. A job of 60 seconds takes 6. */
const [timeScale, sandboxTimeScale] = [0.01, 10]
const eventsFile = join(temporaryFolder(), 'events.yaml')
const service = new Service({ timeScale, sandboxTimeScale, secrets: {} })
const actions = {
  github: 'ci-cd/trigger-deployment',
  rundeck: 'incident-management/run-runbook',
  databricks: 'optimization/start-model',
}
type Name = keyof typeof actions

interface Job {
  id: string
  taskId: string
}

let jobs: Record<Name, Job>
beforeAll(async () => {
  await service.start()
  const [github, rundeck, databricks] = await waitForAll([start('github'), start('rundeck'), start('databricks')])
  jobs = { github, rundeck, databricks }
})
afterAll(() => service.end())

async function start(name: Name, seconds = 60, on = service): Promise<Job> {
  const input = { parameters: { seconds: String(seconds) } }
  const event = triggered({ type: 'sh.keptn.event.job.triggered', input })
  const { status, body } = await on.call(`/v1/${actions[name]}?mode=interactive&deadline=P1D`, event)
  expect({ status, body }).toMatchObject({ status: 202 })
  return { id: event.id, taskId: body.taskId }
}

// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
const callOf = async ({ taskId }: Job): Promise<any> => (await fetch(`${service.url}/console/calls/${taskId}`)).json()
const sent = (): Promise<SentNotification[]> => service.list('notifications')
const resultOf = async ({ id }: Job) => (await service.finishedOf(id)).finished[0]

describe('A job of 60 seconds in the sandbox', () => {
  it.each([
    ['github', ['workflow_run.requested', 'workflow_run.in_progress', 'workflow_run.completed']],
    ['rundeck', ['start', 'success']],
    ['databricks', ['jobs.on_start', 'jobs.on_success']],
  ] as const)('of %s ends within two seconds of its notification, as the console shows', async (name, events) => {
    const job = jobs[name]
    expect(await resultOf(job)).toMatchObject({ status: 'succeeded', result: 'pass' })
    const notifications = (await sent()).filter(({ platform }) => platform === name)
    // The sandbox reads the state of a run at intervals, and a busy one may read it only after the next change.
    const sentEvents = notifications.map(({ event }) => event)
    expect(sentEvents).toEqual(events.filter((event) => sentEvents.includes(event)))
    const { at = '', ...last } = notifications.at(-1) ?? {}
    expect(last).toMatchObject({ event: events.at(-1), status: 200, woken: 1, isLost: false })
    const { endedAt, waterfall } = await callOf(job)
    expect((endedAt - Date.parse(at)) * timeScale).toBeLessThan(2_000)
    const rows: Row[] = waterfall.rows
    const top = rows.filter(({ level }) => level === 0)
    expect(top.map(({ kind, name, note }) => (kind === 'polls' ? `${name}: ${note}` : name))).toEqual([
      'Received',
      'Accepted',
      'Run the action',
      'Wait for the job: 1 poll',
      'Woken before the next poll',
      'Poll because of the wake-up: 1 poll',
      'Answer to Keptn',
    ])
    expect(Math.max(...rows.map(({ to }) => to))).toBe(endedAt)
  })

  it('that ends while the runtime is down is notified at the next start', async () => {
    const job = await start('github')
    const isPolled = () => service.output.includes(`task ${job.taskId.slice(0, 8)} poll: pending`)
    await service.until(isPolled, 'the first poll')
    await service.kill()
    await sleep(6_000)
    await service.start()
    expect(await resultOf(job)).toMatchObject({ status: 'succeeded', result: 'pass' })
  })
})

it('A platform of the sandbox with the fault lost-notification sends none', async () => {
  await service.fault({ target: 'rundeck', kind: 'lost-notification' })
  await start('rundeck', 1)
  const lost = async () => (await sent()).filter(({ isLost }) => isLost)
  await service.until(async () => (await lost()).some(({ event }) => event === 'success'), 'a lost notification')
  for (const notification of await lost()) {
    expect(notification).toMatchObject({ platform: 'rundeck', status: null, woken: 0 })
  }
  expect((await sent()).at(-1)).toMatchObject({ event: 'success', isLost: true })
  const wrong = await service.call('/sandbox/faults', { target: 'slack', kind: 'lost-notification' })
  expect(wrong).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('github, rundeck, databricks') },
  })
})

it('The sources of the sandbox do not wake tasks of a real platform whose connection has the same name', async () => {
  const wakes = () =>
    JSON.parse(readFileSync(join(service.state, 'events.json'), 'utf8')).sources['sandbox-github'].wakes
  expect(wakes()).toEqual(['ci-cd/default'])
  const real = { provider: 'github-actions', baseUrl: 'http://127.0.0.1:9', token: 'real', project: 'acme/shop' }
  service.rotate({ 'cloud-automation-webhooks/connections/ci-cd/default': real })
  await service.openIssue({ input: { title: 'Any call' } })
  expect(wakes()).toEqual([])
  service.rotate({})
  await service.openIssue({ input: { title: 'Any call' } })
  expect(wakes()).toEqual(['ci-cd/default'])
})

it('The platforms of the sandbox notify the sources that a file with rules of its own declares for them', async () => {
  writeFileSync(eventsFile, alertRules())
  const other = new Service({ timeScale, sandboxTimeScale, secrets: {}, eventsFile })
  try {
    await other.start()
    const { taskId } = await start('rundeck', 1, other)
    const last = async () => ((await other.list('notifications')) as SentNotification[]).at(-1)
    await other.until(async () => (await last())?.event === 'success', `a notification for ${taskId}`)
    await other.until(async () => (await last())?.status === 200, 'its response')
  } finally {
    await other.end()
  }
})
