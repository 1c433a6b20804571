import { request } from 'node:http'
import { expect, test } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { finished } from './start.ts'
import { useSandbox } from './use.ts'

const started = useSandbox()
const context = '08735340-6f9e-4b32-97ff-3b6c292bc509'

/** fetch does not let a caller choose the Host. */
const withHost = (host: string, path: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    const call = request(`${started.origin}/sandbox${path}`, { headers: { host } }, (res) => {
      res.resume()
      resolve(res.statusCode)
    })
    call.on('error', reject)
    call.end()
  })

test('The sandbox lists requests with their faults and without secrets', async () => {
  await started.github('POST', '/repos/acme/shop/issues?token=query-secret', { title: 'body-secret' })
  await started.call('POST', '/faults', { target: 'keptn', kind: '503', count: 1 })
  await started.keptn('POST', '/api/v1/event', finished(context))
  await started.call('POST', '/sso/oauth2/token')

  const { text, json } = await started.call('GET', '/requests')
  expect(json).toEqual([
    {
      at: expect.any(String),
      target: 'github',
      method: 'POST',
      path: '/repos/acme/shop/issues',
      status: 201,
      fault: null,
    },
    { at: expect.any(String), target: 'keptn', method: 'POST', path: '/api/v1/event', status: 503, fault: '503' },
    { at: expect.any(String), target: 'sso', method: 'POST', path: '/oauth2/token', status: 400, fault: null },
  ])
  for (const secret of ['query-secret', 'body-secret', demo.githubToken, demo.keptnToken])
    expect(text).not.toContain(secret)
  expect((await started.call('GET', '/requests?target=keptn')).json).toMatchObject([{ target: 'keptn' }])
  expect((await started.call('GET', '/requests?target=jira')).status).toBe(400)
})

test('The sandbox lists issues with their comments', async () => {
  await started.github('POST', '/repos/acme/shop/issues', { title: 'One', labels: ['bug'] })
  await started.github('POST', '/repos/acme/other/issues', { title: 'Two' })
  await started.github('POST', '/repos/acme/shop/issues/1/comments', { body: 'Seen' })
  expect((await started.call('GET', '/issues')).json).toMatchObject([
    {
      repository: 'acme/shop',
      number: 1,
      title: 'One',
      labels: ['bug'],
      html_url: `${started.origin}/sandbox/github/acme/shop/issues/1`,
      comments: [{ body: 'Seen' }],
    },
    { repository: 'acme/other', number: 1, title: 'Two', comments: [] },
  ])
})

const restart = '/api/44/job/3b6c19f6-41ee-475f-8fd0-8f1a26f27a9a/run'

test('The sandbox lists runs with their platform, state and URL', async () => {
  const body = { ref: 'main', inputs: { image: 'shop:1' } }
  await started.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', body)
  await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101, job_parameters: { trials: '5' } })
  await started.rundeck('POST', restart, { options: { service: 'checkout' } })
  const runs = (await started.call('GET', '/runs')).json
  const of = (platform: string) => runs.filter((run: { platform: string }) => run.platform === platform)
  expect(runs).toHaveLength(3)
  expect(of('github')).toMatchObject([
    {
      id: 1,
      repository: 'acme/shop',
      workflow: 'deploy.yml',
      inputs: { image: 'shop:1' },
      status: 'queued',
      html_url: `${started.origin}/sandbox/github/acme/shop/actions/runs/1`,
    },
  ])
  const times = { created_at: expect.any(String), started_at: null, completed_at: null }
  expect(of('databricks')).toEqual([
    {
      platform: 'databricks',
      id: 700000002,
      job: 'tune-recommender',
      inputs: { service: 'shop', trials: '5', seconds: '10', outcome: 'success' },
      status: 'PENDING',
      ...times,
      html_url: `${started.origin}/sandbox/databricks/jobs/101/runs/700000002`,
    },
  ])
  expect(of('rundeck')).toEqual([
    {
      platform: 'rundeck',
      id: 1,
      job: 'restart-checkout',
      inputs: { service: 'checkout' },
      status: 'running',
      ...times,
      html_url: `${started.origin}/sandbox/rundeck/project/shop/execution/show/1`,
    },
  ])
})

test('The sandbox lists toxics with their proxy', async () => {
  await started.toxiproxy('POST', '/proxies/shop-db/toxics', { type: 'latency', attributes: { latency: 5 } })
  await started.toxiproxy('POST', '/proxies/shop-cache/toxics', { type: 'timeout' })
  expect((await started.call('GET', '/toxics')).json).toEqual([
    expect.objectContaining({ proxy: 'shop-cache', type: 'timeout', attributes: { timeout: 0 } }),
    {
      proxy: 'shop-db',
      name: 'latency_downstream',
      type: 'latency',
      stream: 'downstream',
      toxicity: 1,
      attributes: { latency: 5, jitter: 0 },
    },
  ])
})

test('The sandbox lists messages with their texts, buttons and readers', async () => {
  const button = { type: 'button', action_id: 'approve', text: { type: 'plain_text', text: 'Approve' }, value: 'x' }
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: 'Release?' } },
    { type: 'actions', elements: [button] },
  ]
  const metadata = { event_type: 'own', event_payload: { key: 'abc' } }
  const posted = await started.slack('POST', 'chat.postMessage', { channel: 'releases', text: 'Q', blocks, metadata })
  const ephemeral = { channel: 'C0OPERATIONS', user: 'U0BEN', text: 'Psst' }
  await started.slack('POST', 'chat.postEphemeral', ephemeral)
  const { ts } = posted.json
  const common = { thread: null, edited: false, at: expect.any(String) }
  expect((await started.call('GET', '/messages')).json).toEqual([
    {
      ...common,
      channel: 'releases',
      ts,
      url: `${started.origin}/sandbox/slack/archives/C0RELEASES/p${ts.replace('.', '')}`,
      text: 'Q',
      blocks: ['Release?', '[Approve]'],
      buttons: [{ action: 'approve', text: 'Approve' }],
      ephemeral: null,
      metadata,
    },
    expect.objectContaining({ ...common, channel: 'operations', ephemeral: 'ben', buttons: [], metadata: null }),
  ])
})

test('The sandbox lists SLOs and ingested events', async () => {
  await started.call('POST', '/dynatrace/set', 'slo=checkout&value=96')
  const event = { eventType: 'CUSTOM_INFO', title: 'One', entitySelector: 'type(SERVICE),entityName("shop")' }
  await started.dynatrace('POST', '/api/v2/events/ingest', event)
  const slos = (await started.call('GET', '/slos')).json
  expect(slos.map(({ name }: { name: string }) => name)).toEqual(['casdemoapp', 'checkout', 'shop'])
  expect(slos[1]).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    name: 'checkout',
    description: 'Requests to checkout that succeed',
    target: 95,
    warning: 97.5,
    value: 96,
    status: 'WARNING',
    url: `${started.origin}/sandbox/dynatrace/ui/slo?id=${slos[1].id}`,
  })
  expect((await started.call('GET', '/reports')).json).toEqual([
    {
      at: expect.any(String),
      correlationId: expect.any(String),
      eventType: 'CUSTOM_INFO',
      title: 'One',
      entity: 'shop',
      startTime: expect.any(Number),
      endTime: expect.any(Number),
      properties: {},
    },
  ])
})

test('The sandbox lists incidents with display values, journal and URL', async () => {
  const fields = { short_description: 'Slow', impact: '1', urgency: '2', work_notes: 'Seen', comments: 'Sorry' }
  const { json } = await started.serviceNow('POST', '/api/now/table/incident', fields)
  expect((await started.call('GET', '/incidents')).json).toMatchObject([
    {
      number: 'INC0010001',
      sys_id: json.result.sys_id,
      short_description: 'Slow',
      state: 'New',
      priority: '2 - High',
      url: expect.stringContaining(`/sandbox/servicenow/nav_to.do?uri=incident.do%3Fsys_id%3D${json.result.sys_id}`),
      work_notes: [{ at: expect.any(String), value: 'Seen' }],
      comments: [{ value: 'Sorry' }],
    },
  ])
})

test('The sandbox lists flags with their state in each environment and URL', async () => {
  await started.unleash('POST', '/api/admin/projects/default/features/checkout-v2/environments/production/on')
  const flags = (await started.call('GET', '/flags')).json
  expect(flags.map(({ name }: { name: string }) => name)).toEqual([
    'checkout-v2',
    'express-payment',
    'slow-recommendations',
  ])
  expect(flags[0]).toMatchObject({
    project: 'default',
    url: `${started.origin}/sandbox/unleash/projects/default/features/checkout-v2`,
    environments: [
      { name: 'development', enabled: true, rollout: '100' },
      { name: 'production', enabled: true, rollout: '25' },
      { name: 'production-guarded', enabled: false },
    ],
    changeRequests: [],
  })
})

test('The sandbox lists Keptn events with their source, oldest first', async () => {
  const triggered = { type: 'sh.keptn.event.openticket.triggered', shkeptncontext: context }
  await started.keptn('POST', '/record', triggered)
  await started.keptn('POST', '/api/v1/event', finished(context))
  expect((await started.call('GET', '/events')).json).toMatchObject([
    { at: expect.any(String), via: 'control-plane', event: triggered },
    { at: expect.any(String), via: 'api', event: finished(context) },
  ])
})

test('An observer is called once for every request and every event', async () => {
  await started.github('POST', '/repos/acme/shop/issues', { title: 'One' })
  await started.keptn('POST', '/api/v1/event', finished(context))
  await started.call('GET', '/issues')
  expect(started.seen).toMatchObject([
    { target: 'github', method: 'POST', path: '/repos/acme/shop/issues', status: 201, note: 'opened acme/shop#1' },
    { target: 'keptn', method: 'EVENT', path: 'sh.keptn.event.openticket.finished', status: null, note: 'via api' },
    { target: 'keptn', method: 'POST', path: '/api/v1/event', status: 200 },
  ])
})

test('DELETE /sandbox deletes everything and restores flags, proxies and SLOs', async () => {
  const slos = (await started.call('GET', '/slos')).json
  const flags = (await started.call('GET', '/flags')).json
  await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101, idempotency_token: 'a' })
  await started.rundeck('POST', restart, {})
  await started.toxiproxy('POST', '/proxies/shop-db/toxics', { type: 'latency' })
  await started.toxiproxy('DELETE', '/proxies/shop-cache')
  const project = '/api/admin/projects/default'
  await started.unleash('POST', `${project}/features/checkout-v2/environments/production/on`)
  const change = { feature: 'checkout-v2', action: 'updateEnabled', payload: { enabled: true } }
  await started.unleash('POST', `${project}/environments/production-guarded/change-requests`, change)
  await started.serviceNow('POST', '/api/now/table/incident', { work_notes: 'Noted' })
  await started.github('POST', '/repos/acme/shop/issues', { title: 'One' })
  await started.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main' })
  await started.slack('POST', 'chat.postMessage', { channel: 'C0RELEASES', text: 'One' })
  await started.call('POST', '/dynatrace/set', 'slo=shop&value=1')
  await started.dynatrace('POST', '/api/v2/events/ingest', { eventType: 'CUSTOM_INFO', title: 'One' })
  await started.keptn('POST', '/api/v1/event', finished(context))
  await started.call('POST', '/faults', { target: 'sso', kind: '503' })
  expect((await started.call('DELETE', '')).status).toBe(204)
  const lists = ['issues', 'runs', 'toxics', 'messages', 'reports', 'incidents', 'events', 'requests', 'faults']
  for (const list of lists) {
    expect((await started.call('GET', `/${list}`)).json).toEqual([])
  }
  expect((await started.call('GET', '/slos')).json).toEqual(slos)
  expect((await started.serviceNow('GET', '/api/now/table/sys_journal_field')).json.result).toEqual([])
  expect((await started.call('GET', '/flags')).json).toEqual(flags)
  expect(Object.keys((await started.toxiproxy('GET', '/proxies')).json)).toEqual(['shop-cache', 'shop-db'])
  expect((await started.github('POST', '/repos/acme/shop/issues', { title: 'Again' })).json.number).toBe(1)
  expect((await started.serviceNow('POST', '/api/now/table/incident', {})).json.result.number).toBe('INC0010001')
})

test('The sandbox rejects requests with another host name', async () => {
  await started.github('POST', '/repos/acme/shop/issues', { title: 'One' })
  await started.github('POST', '/repos/acme/shop/actions/workflows/deploy.yml/dispatches', { ref: 'main' })
  await started.rundeck('POST', restart, {})
  await started.databricks('POST', '/api/2.2/jobs/run-now', { job_id: 101 })
  for (const path of [
    '/issues',
    '/runs',
    '/toxics',
    '/slos',
    '/reports',
    '/incidents',
    '/flags',
    '/events',
    '/requests',
    '/faults',
    '/github/acme/shop/issues/1',
    '/github/acme/shop/actions/runs/1',
    '/unleash/projects/default/features/checkout-v2',
    '/toxiproxy',
    '/dynatrace',
    '/databricks/jobs/101/runs/700000002',
    '/rundeck/project/shop/execution/show/1',
  ]) {
    expect(await withHost('evil.example', path)).toBe(403)
    expect(await withHost('127.0.0.1.evil.example', path)).toBe(403)
    expect(await withHost('localhost:8787', path)).toBe(200)
  }
})

test('The sandbox returns 404 or 405 for unknown paths and methods', async () => {
  const { status, json } = await started.call('GET', '/jira')
  expect(status).toBe(404)
  expect(json.message).toContain('github, servicenow, unleash, keptn, sso, shop, toxiproxy, databricks, rundeck')
  expect((await started.call('GET', '')).status).toBe(404)
  expect((await started.call('GET', '/issues/1')).status).toBe(404)
  expect((await started.call('DELETE', '/issues')).status).toBe(405)
  expect((await started.call('PUT', '/faults')).status).toBe(405)
  expect((await fetch(`${started.origin}/elsewhere`, { method: 'DELETE' })).status).toBe(404)
})
