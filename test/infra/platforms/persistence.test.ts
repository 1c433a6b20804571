import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import type { Sandbox } from '../../../infra/platforms/sandbox/index.ts'
import { finished, start } from './start.ts'

const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'
let state: string

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'sandbox-'))
})
afterEach(() => rmSync(state, { recursive: true }))

const post = (origin: string, path: string, body: unknown) =>
  fetch(`${origin}/sandbox${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${demo.githubToken}`,
      'x-token': demo.keptnToken,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })

const everything = ({
  databricks,
  dynatrace,
  github,
  rundeck,
  serviceNow,
  slack,
  toxiproxy,
  unleash,
  ...rest
}: Sandbox) => [
  github.issues(''),
  github.runs(''),
  serviceNow.incidents(''),
  unleash.flags(''),
  toxiproxy.toxics(),
  databricks.runs(''),
  rundeck.runs(''),
  slack.messages(''),
  dynatrace.slos(''),
  dynatrace.reports(),
  rest.keptn.events(),
  rest.faults.list(),
  rest.requests(),
]

async function serve(): Promise<{ child: ChildProcess; origin: string }> {
  const child = spawn(process.execPath, ['--no-warnings', join(import.meta.dirname, 'serve.ts'), state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { child, origin: `http://127.0.0.1:${String(line).trim()}` }
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

test('The sandbox keeps its state when it restarts', async () => {
  const first = await start(state)
  await first.github('POST', '/repos/acme/shop/issues', { title: 'One' })
  await first.github('POST', '/repos/acme/shop/issues/1/comments', { body: 'Seen' })
  await first.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main' })
  await first.github('POST', '/repos/acme/shop/actions/runs/1/cancel')
  await first.serviceNow('POST', '/api/now/table/incident', { short_description: 'One', work_notes: 'Noted' })
  const project = '/api/admin/projects/default'
  await first.unleash('POST', `${project}/features/checkout-v2/environments/production/on`)
  const change = { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } }
  await first.unleash('POST', `${project}/environments/production-guarded/change-requests`, change)
  await first.toxiproxy('POST', '/proxies/shop-db/toxics', { type: 'timeout', attributes: { timeout: 1 } })
  const job = { job_id: 101, job_parameters: { seconds: '0' }, idempotency_token: 'once' }
  await first.databricks('POST', '/api/2.2/jobs/run-now', job)
  await first.rundeck('POST', '/api/44/job/3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a/run', { options: { seconds: 1 } })
  await first.rundeck('POST', '/api/44/execution/1/abort')
  const { ts } = (await first.slack('POST', 'chat.postMessage', { channel: 'C0RELEASES', text: 'One' })).json
  await first.slack('POST', 'chat.update', { channel: 'C0RELEASES', ts, text: 'Two' })
  await first.call('POST', '/dynatrace/set', 'slo=checkout&value=')
  await first.dynatrace('POST', '/api/v2/events/ingest', { eventType: 'CUSTOM_INFO', title: 'One' })
  await first.keptn('POST', '/api/v1/event', finished(context))
  first.sandbox.faults.add({ target: 'sso', kind: '503', count: 2 })
  await first.call('POST', '/sso/oauth2/token')
  // The runs have ended by then.
  const { github, databricks, rundeck } = first.sandbox
  while ([github, databricks, rundeck].some(({ runs }) => runs('')[0]?.completed_at === null)) await sleep(50)
  const before = everything(first.sandbox)
  await first.stop()

  const second = await start(state)
  expect(everything(second.sandbox)).toEqual(before)
  expect((await second.databricks('POST', '/api/2.2/jobs/run-now', job)).json.run_id).toBe(700000002)
  expect((await second.call('GET', '/shop/')).status).toBe(503)
  expect(second.sandbox.slack.messages('')).toMatchObject([{ ts, text: 'Two', edited: true }])
  expect(second.sandbox.dynatrace.slos('')[1]).toMatchObject({ name: 'checkout', value: null })
  expect(second.sandbox.dynatrace.reports()).toMatchObject([{ title: 'One' }])
  expect(second.sandbox.faults.list()).toMatchObject([{ count: 2, left: 1 }])
  expect(second.sandbox.serviceNow.incidents('')).toMatchObject([{ work_notes: [{ value: 'Noted' }] }])
  expect(second.sandbox.unleash.flags('')[0]).toMatchObject({ changeRequests: [{ id: 1, state: 'Draft' }] })
  expect(second.sandbox.github.issues('')).toMatchObject([{ title: 'One', comments: [{ body: 'Seen' }] }])
  expect((await second.github('POST', '/repos/acme/shop/issues', { title: 'Two' })).json.number).toBe(2)
  await second.stop()
})

test('The sandbox keeps everything that it answered when it is killed', async () => {
  const first = await serve()
  expect((await post(first.origin, '/github/repos/acme/shop/issues', { title: 'Answered' })).status).toBe(201)
  expect((await post(first.origin, '/keptn/api/v1/event', finished(context))).status).toBe(200)
  await post(first.origin, '/faults', { target: 'github', kind: 'hang', after: true, count: 1 })
  const cut = post(first.origin, '/github/repos/acme/shop/issues', { title: 'Never answered' }).catch(() => 'cut')
  const isOpen = async () => (await fetch(`${first.origin}/sandbox/issues`)).text()
  while (!(await isOpen()).includes('Never answered')) await sleep(10)
  await kill(first.child)
  expect(await cut).toBe('cut')

  const second = await serve()
  expect((await post(second.origin, '/github/repos/acme/shop/issues', { title: 'After' })).status).toBe(201)
  const list = async (name: string) => (await fetch(`${second.origin}/sandbox/${name}`)).json()
  expect(await list('issues')).toMatchObject([
    { number: 1, title: 'Answered' },
    { number: 2, title: 'Never answered' },
    { number: 3, title: 'After' },
  ])
  expect(await list('events')).toMatchObject([{ via: 'api', event: { shkeptncontext: context } }])
  expect(await list('requests')).toMatchObject([
    { target: 'github', status: 201, fault: null },
    { target: 'keptn', status: 200, fault: null },
    { target: 'github', status: null, fault: 'hang' },
    { target: 'github', status: 201, fault: null },
  ])
  await kill(second.child)
})
