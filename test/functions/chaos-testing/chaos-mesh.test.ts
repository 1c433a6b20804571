import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { chaosTemplate } from '../../../functions/chaos-testing/chaos-mesh-objects.ts'
import { chaosMesh } from '../../../functions/chaos-testing/providers/chaos-mesh.ts'
import { type ChaosMeshServer, startChaosMesh } from '../../../infra/platforms/chaos-mesh.ts'
import { jobConformance } from '../../conformance/job.ts'
import { chaosPlatforms } from '../../conformance/job-platforms/chaos-testing.ts'
import { failureOf, keyOf, startEach } from '../helpers.ts'
import { experiment, experimentActions } from './experiment.ts'

const server = startEach(startChaosMesh)

type Template = z.input<typeof chaosTemplate>
const apiVersion = 'chaos-mesh.org/v1alpha1'
const checkout = { labelSelectors: { app: 'checkout' } }
const delay = { action: 'delay', mode: 'all', selector: checkout, delay: { latency: '200ms' } }
const made = (kind: string, spec: object, namespace = 'shop') =>
  ({ apiVersion, kind, metadata: { namespace }, spec }) as Template
const latency = made('NetworkChaos', { ...delay, duration: '60s' })
const kill = made('PodChaos', { action: 'pod-kill', mode: 'one', selector: checkout })
const entry = { name: 'entry', templateType: 'Serial', deadline: '5m', children: ['slow', 'healthy'] }
const slow = { name: 'slow', templateType: 'NetworkChaos', deadline: '60s', networkChaos: delay }
const healthy = {
  name: 'healthy',
  templateType: 'StatusCheck',
  deadline: '60s',
  abortWithStatusCheck: true,
  statusCheck: { mode: 'Continuous', type: 'HTTP', http: { url: 'http://shop', criteria: { statusCode: '200' } } },
}
const workflow = (...templates: object[]) => made('Workflow', { entry: 'entry', templates: [entry, ...templates] })
const templates = { latency, kill, rollout: workflow(slow, healthy) }

const connected = (fields: object = {}) =>
  experiment(chaosMesh, () => ({
    baseUrl: server.url,
    token: server.token,
    allow: ['shop'],
    templates,
    ...fields,
  }))
const having = (template: object, fields: object = {}) => connected({ templates: { it: template }, ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const idOf = ({ kind, metadata, uid }: ReturnType<ChaosMeshServer['newest']>) => `${kind}/${metadata.namespace}/${uid}`
const uid = '8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10'
const abort = { 'workflow.chaos-mesh.org/abort': 'true' }

jobConformance(chaosMesh, experimentActions, chaosPlatforms['chaos-mesh'], {
  states: {
    running: ['injecting', 'running', 'paused', 'deleting'],
    pass: ['finished'],
    aborted: ['deleted'],
  },
  otherStates: [
    'unknown',
    'failed',
    'finished/unconfirmed',
    'finished/not-injected',
    'finished/check-failed',
    'finished/aborted',
  ],
})

describe('Chaos Mesh: connection', () => {
  test('the check reads the archives of its namespaces, like every start', async () => {
    await chaosMesh.check(connected().client())
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual(['/api/archives?namespace=shop'])
  })

  test('the check validates all templates', async () => {
    const bad = { ...templates, other: made('PodChaos', kill.spec, 'chaos') }
    const failure = await failureOf(
      Promise.resolve().then(() => chaosMesh.check(connected({ templates: bad }).client())),
    )
    expect(failure.message).toContain('is in the namespace chaos, which is outside the blast radius')
  })

  test('an invalid token, which Chaos Mesh reports with 500, is a credentials failure without the token', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start({ target: 'kill' }))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Unauthorized')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test.each([[undefined], [[]], ['']])('requires a non-empty allow: %j', (allow) => {
    const given = { baseUrl: server.url, token: server.token, templates, allow }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })

  test.each([
    ['a schedule, which would inject repeatedly', { ...kill, kind: 'Schedule' }],
    ['a kind that has no namespace', { ...kill, kind: 'AWSChaos' }],
    ['machines', { ...kill, kind: 'PhysicalMachineChaos' }],
    ['an object of another API', { ...kill, apiVersion: 'v1' }],
    ['no namespace', { ...kill, metadata: {} }],
    ['no selector', made('PodChaos', { action: 'pod-kill', mode: 'one' })],
    ['an invalid namespace', made('PodChaos', { ...kill.spec, selector: { namespaces: [''] } })],
    ['pods of an invalid namespace', made('PodChaos', { ...kill.spec, selector: { pods: { '': ['a'] } } })],
    ['a field with another spelling', made('PodChaos', { ...kill.spec, RemoteCluster: 'b' })],
    ['a field with letters that Go folds into others', made('PodChaos', { ...kill.spec, \u017felector: {} })],
    ['namespaces with another spelling', made('PodChaos', { ...kill.spec, selector: { Namespaces: ['chaos'] } })],
    ['a workflow without templates', made('Workflow', { entry: 'entry', templates: [] })],
  ])('rejects a template with %s', (_what, template) => {
    const given = { baseUrl: server.url, token: server.token, allow: '*', templates: { it: template } }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })

  test('accepts every kind that selects pods', () => {
    const kinds = ['BlockChaos', 'DNSChaos', 'HTTPChaos', 'IOChaos', 'JVMChaos', 'KernelChaos', 'NetworkChaos']
    for (const kind of [...kinds, 'PodChaos', 'StressChaos', 'TimeChaos']) {
      const given = { baseUrl: server.url, token: server.token, allow: '*', templates: { it: { ...latency, kind } } }
      expect(chaosMesh.connection.safeParse(given)).toMatchObject({ success: true })
    }
  })

  test.each(['forever', '0s', '-5m'])('rejects the maxDuration %s', (maxDuration) => {
    const given = { baseUrl: server.url, token: server.token, allow: '*', templates, maxDuration }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })
})

describe('Chaos Mesh: start', () => {
  test('creates the object of a template and returns at once', async () => {
    const { outcome } = await connected().start({ target: 'latency' })
    const id = idOf(server.newest())
    const url = `${server.url}/#/experiments/${server.newest().uid}`
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: `Started experiment ${id}`,
      data: { id, url, state: 'started' },
      links: { [`chaos-mesh ${id}`]: url },
    })
    expect(server.newest()).toMatchObject({
      kind: 'NetworkChaos',
      metadata: {
        name: `latency-${keyOf(1)}`,
        namespace: 'shop',
        labels: { 'cloud-automation-webhooks/key': keyOf(1) },
      },
      spec: {
        action: 'delay',
        duration: '60s',
        selector: { labelSelectors: { app: 'checkout' }, namespaces: ['shop'] },
      },
    })
  })

  test('uses labels and annotations of the template, but its own name', async () => {
    const metadata = {
      name: 'mine',
      namespace: 'shop',
      labels: { team: 'a' },
      annotations: { why: 'b' },
      finalizers: ['c'],
    }
    await having({ ...kill, metadata }).start({ target: 'it' })
    const { labels, ...kept } = server.newest().metadata
    expect(kept).toEqual({ name: `it-${keyOf(1)}`, namespace: 'shop', annotations: { why: 'b' } })
    expect(labels).toMatchObject({ team: 'a' })
  })

  test('creates a workflow and links to its page', async () => {
    const { outcome } = await connected().start({ target: 'rollout' })
    expect(outcome.data).toMatchObject({
      id: idOf(server.newest()),
      url: `${server.url}/#/workflows/${server.newest().uid}`,
    })
    expect(server.newest().spec).toMatchObject({
      entry: 'entry',
      templates: [entry, { ...slow, networkChaos: { selector: { namespaces: ['shop'] } } }, healthy],
    })
  })

  test('takes the template from the connection, and the namespace and duration from the call', async () => {
    await connected({ target: 'latency', allow: ['shop*'] }).start({
      project: 'shop-db',
      parameters: { duration: '90s' },
    })
    expect(server.newest()).toMatchObject({
      metadata: { namespace: 'shop-db' },
      spec: { duration: '90s', selector: { namespaces: ['shop-db'] } },
    })
  })

  test.each(['Pod kill (prod)!', '--', 'a-very-long-name-of-a-template-that-is-cut'])(
    'creates a valid Kubernetes name for the template "%s"',
    async (target) => {
      await connected({ templates: { [target]: kill } }).start({ target })
      expect(server.newest().metadata.name).toMatch(new RegExp(`^[a-z0-9][-a-z0-9]{0,21}-${keyOf(1)}$`))
    },
  )

  test('without an event id, creates an object for each call', async () => {
    await connected().start({ target: 'kill' }, { key: undefined })
    await connected().start({ target: 'kill' }, { key: undefined })
    expect(server.state.objects).toHaveLength(2)
    expect(server.newest().metadata.labels).toEqual({})
  })

  test.each([
    ['an unknown template', { target: 'nope' }, 'must be a template of the connection: latency, kill, rollout'],
    [
      'a template named like a property of every object',
      { target: 'constructor' },
      'must be a template of the connection',
    ],
    ['a version', { target: 'kill', ref: 'v1' }, 'input.ref is not supported'],
    ['an invalid namespace', { target: 'kill', project: 'Shop/..' }, 'input.project must be a namespace'],
    ['other parameters', { target: 'latency', parameters: { mode: 'all', selector: {} } }, 'not mode, selector'],
    ['an invalid duration', { target: 'latency', parameters: { duration: 'long' } }, 'such as 90s or 1m30s'],
    ['a duration that is a number', { target: 'latency', parameters: { duration: 90 } }, 'such as 90s or 1m30s'],
    ['a zero duration', { target: 'latency', parameters: { duration: '0s' } }, 'such as 90s or 1m30s'],
    [
      'a duration for an instant action',
      { target: 'kill', parameters: { duration: '9s' } },
      'pod-kill takes effect immediately',
    ],
    [
      'a duration for a workflow',
      { target: 'rollout', parameters: { duration: '9s' } },
      'the deadlines of a workflow set its duration',
    ],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('reports the reason of Kubernetes, which arrives with 500', async () => {
    const failure = await failureOf(having(made('PodChaos', { ...kill.spec, mode: 'some' })).start({ target: 'it' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('is invalid: spec.mode: Unsupported value: "some"')
    const nested = { ...slow, networkChaos: { ...delay, duration: '60s' } }
    const denied = await failureOf(having(workflow(nested, healthy)).start({ target: 'it' }))
    expect(denied).toMatchObject({ kind: 'refused' })
    expect(denied.message).toContain('use Template#Deadline instead.')
    const nowhere = await failureOf(connected({ allow: '*' }).start({ target: 'kill', project: 'nowhere' }))
    expect(nowhere.message).toContain('namespaces "nowhere" not found')
    expect(server.state.objects).toEqual([])
  })

  test('names the permission that the token lacks', async () => {
    server.state.forbidden = ['create']
    expect((await failureOf(connected().start({ target: 'kill' }))).message).toContain(
      'cannot create resource "podchaos" in API group "chaos-mesh.org" in the namespace "shop"',
    )
    server.state.mayListAll = false
    expect((await failureOf(connected().start({ target: 'kill' }))).message).toContain(
      "can't list resource in namespace shop",
    )
  })

  test('is transient if an admission webhook does not respond', async () => {
    server.failNext(500, {
      code: 500,
      message: 'error.api.internal_server_error: failed calling webhook "m.kb.io": EOF',
    })
    expect(await failureOf(connected().start({ target: 'kill' }))).toMatchObject({ transient: true })
  })
})

describe('Chaos Mesh: blast radius', () => {
  const other = { namespaces: ['shop', 'chaos'] }
  const target = (selector: object) => ({ mode: 'all', selector })
  test.each([
    ['an object in another namespace', made('PodChaos', kill.spec, 'chaos'), 'is in the namespace chaos'],
    ['pods of another namespace', made('PodChaos', { ...kill.spec, selector: other }), 'pods of the namespace chaos'],
    ['pods by name', made('PodChaos', { ...kill.spec, selector: { pods: { chaos: ['a'] } } }), 'namespace chaos'],
    ['the other end of a network', made('NetworkChaos', { ...latency.spec, target: target(other) }), 'namespace chaos'],
    ['another cluster', made('PodChaos', { ...kill.spec, remoteCluster: 'prod' }), 'sets remoteCluster'],
    [
      'another cluster in a step',
      workflow({ ...slow, networkChaos: { ...delay, remoteCluster: 'b' } }),
      'remoteCluster',
    ],
    [
      'pods of a step',
      workflow({ ...slow, networkChaos: { ...delay, selector: other } }),
      'pods of the namespace chaos',
    ],
    [
      'a step without a selector',
      workflow({ ...slow, networkChaos: { mode: 'all' } }),
      'slow with an invalid networkChaos.selector',
    ],
    [
      'a step with a field in another spelling',
      workflow({ ...slow, networkChaos: { ...delay, Selector: {} } }),
      'spelling',
    ],
    ['a step with another spelling of its fault', workflow({ ...slow, NetworkChaos: delay }), 'slow with NetworkChaos'],
    ['a step that is a schedule', workflow({ ...slow, templateType: 'Schedule' }), 'slow of the type Schedule'],
    ['a step that runs a container', workflow({ name: 'run', templateType: 'Task' }), 'run of the type Task'],
    [
      'a step of a kind that no namespace limits',
      workflow({ ...slow, templateType: 'AWSChaos' }),
      'of the type AWSChaos',
    ],
    [
      'a step named like a property of every object',
      workflow({ ...slow, templateType: 'toString' }),
      'of the type toString',
    ],
    ['a step with another fault', workflow({ ...slow, podChaos: {} }), 'slow with podChaos'],
    ['a check with a fault', workflow({ ...healthy, networkChaos: delay }), 'healthy with networkChaos'],
    ['no time limit', made('NetworkChaos', delay), 'gives the template no time limit: add a duration such as 60s'],
    [
      'an invalid time limit',
      made('NetworkChaos', { ...delay, duration: 'soon' }),
      'the invalid duration "soon": use a duration such as 60s',
    ],
    [
      'a time limit that is too long',
      made('NetworkChaos', { ...delay, duration: '1h' }),
      '1h, but the connection allows at most 10m',
    ],
    ['a step without a time limit', workflow({ ...slow, deadline: undefined }), 'slow no time limit'],
    ['a step with a time limit that is too long', workflow({ ...slow, deadline: '11m' }), 'slow the deadline 11m'],
    [
      'a workflow without a time limit',
      made('Workflow', { entry: 'slow', templates: [{ ...slow, deadline: undefined }] }),
      'entry slow',
    ],
    ['a workflow without its entry', made('Workflow', { entry: 'nope', templates: [slow] }), 'the entry nope'],
    [
      'a workflow with a time limit that is too long',
      made('Workflow', { entry: 'entry', templates: [{ ...entry, deadline: '2h' }, slow] }),
      'the entry entry the deadline 2h',
    ],
  ])('rejects %s', async (_what, template, message) => {
    const failure = await failureOf(having(template).start({ target: 'it' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, errors: [{ path: 'input.target' }] })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('rejects a namespace and a duration of the call that exceed the limits', async () => {
    const elsewhere = await failureOf(connected().start({ target: 'kill', project: 'chaos' }))
    expect(elsewhere).toMatchObject({ kind: 'refused', errors: [{ path: 'input.project' }] })
    const longer = await failureOf(connected().start({ target: 'latency', parameters: { duration: '10m1s' } }))
    expect(longer).toMatchObject({ kind: 'refused', errors: [{ path: 'input.parameters.duration' }] })
    expect(server.calls).toEqual([])
  })

  test('accepts objects within the limits', async () => {
    const spec = {
      ...latency.spec,
      duration: '1h29m59.5s',
      selector: { namespaces: ['shop', 'shop-db'] },
      target: target({ pods: { 'shop-db': ['postgres-0'] } }),
    }
    await having(made('NetworkChaos', spec), { allow: 'shop*', maxDuration: '90m' }).start({ target: 'it' })
    expect(server.newest().spec).toMatchObject({ selector: { namespaces: ['shop', 'shop-db'] } })
    const http = made('HTTPChaos', { ...latency.spec, target: 'Request' })
    await having(http).start({ target: 'it' })
    expect(server.newest().spec).toMatchObject({ target: 'Request' })
  })
})

describe('Chaos Mesh: start with a lost response', () => {
  test.each(['latency', 'rollout'])('a retry finds the object of %s by name', async (target) => {
    server.loseNext('POST')
    expect(await failureOf(connected().start({ target }))).toMatchObject({ transient: true, mayHaveWritten: true })
    const id = idOf(server.newest())
    await connected().start({ target }, { key: keyOf(2) })
    const { outcome } = await connected().start({ target }, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.objects).toHaveLength(2)
  })

  test('a retry creates an object that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start({ target: 'kill' }))
    await connected().start({ target: 'kill' }, { isRetry: true })
    expect(server.state.objects).toHaveLength(1)
  })

  test('fails if Chaos Mesh accepts the object but does not list it', async () => {
    server.failNext(200, 'null', { on: 'POST' })
    const failure = await failureOf(connected().start({ target: 'kill' }))
    expect(failure).toMatchObject({ transient: true })
    expect(failure.message).toContain('but does not list it')
  })
})

describe('Chaos Mesh: second delivery of an event', () => {
  test('finds the object after it has ended', async () => {
    await connected().start({ target: 'kill' })
    server.newest().status = 'finished'
    const { outcome } = await connected().start({ target: 'kill' })
    expect(outcome.data).toMatchObject({ id: idOf(server.newest()) })
    expect(server.state.objects).toHaveLength(1)
  })

  test.each(['latency', 'rollout'])('does not restart %s after it was deleted', async (target) => {
    await connected().start({ target })
    const object = server.newest()
    server.remove(object)
    const { outcome } = await connected().start({ target })
    expect(outcome.data).toMatchObject({ id: idOf(object) })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('Chaos Mesh: experiment', () => {
  const start = () => connected().start({ target: 'latency' })
  const poll = (started: Awaited<ReturnType<typeof start>>) => connected().poll(started, { target: 'latency' })
  const end = (started: Awaited<ReturnType<typeof start>>) => connected().end(started, { target: 'latency' })
  const applied = (pod: string) => server.addEvent('Applied', `Successfully apply chaos for ${pod}`)

  // Every status in the contract, with an injected fault.
  test.each([
    ['injecting', undefined, undefined],
    ['running', undefined, undefined],
    ['finished', 'succeeded', 'pass'],
    ['paused', undefined, undefined],
    ['deleting', undefined, undefined],
  ])('in the state %s, ends as %s with the result %s or keeps running', async (state, status, result) => {
    const started = await start()
    applied('shop/checkout-1')
    server.newest().status = state
    const seen = await poll(started)
    expect(seen).toMatchObject(status ? { outcome: { status, result, data: { state } } } : { status: state })
  })

  test('keeps running in an unknown state', async () => {
    const started = await start()
    server.newest().status = 'sleeping'
    expect(await poll(started)).toMatchObject({ status: 'sleeping (unknown state)' })
  })

  test('reports what was injected, and where', async () => {
    const started = await start()
    for (const pod of ['shop/checkout-1', 'shop/checkout-2', 'shop/checkout-1']) applied(pod)
    server.addEvent('Recovered', 'Successfully recover chaos for shop/checkout-1')
    server.newest().status = 'finished'
    const { data, message, links } = await end(started)
    expect(message).toBe(`Experiment ${idOf(server.newest())} ended as finished`)
    expect(data).toMatchObject({
      kind: 'NetworkChaos',
      namespace: 'shop',
      action: 'delay',
      mode: 'all',
      duration: 60,
      namespaces: ['shop'],
      targets: ['shop/checkout-1', 'shop/checkout-2'],
    })
    expect(Object.values(links)).toEqual([`${server.url}/#/experiments/${server.newest().uid}`])
    expect(calls('GET').at(-1)?.query.get('namespace')).toBe('shop')
  })

  test('is judged by thresholds on the number of targets', async () => {
    const input = { target: 'latency', thresholds: [{ metric: 'targets', op: '>=', value: 2 }] }
    const started = await connected().start(input)
    applied('shop/checkout-1')
    server.newest().status = 'finished'
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('targets is 1, not >= 2'),
    })
  })

  test('is errored with a reason if it finished without injecting a fault', async () => {
    const started = await start()
    server.addEvent('Failed', 'Failed to select targets: no pod is selected')
    server.newest().status = 'finished'
    expect(await end(started)).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining('ended as finished/not-injected: Failed to select targets: no pod is selected'),
    })
  })

  test('is a warning if no event shows a fault after a while', async () => {
    const started = await start()
    server.newest().status = 'finished'
    expect(await poll(started)).toMatchObject({ status: 'finished', progress: 'finished, waiting for its events' })
    server.newest().createdAt = new Date(Date.now() - 60_000).toISOString()
    expect(await end(started)).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: expect.stringContaining('no event shows that a fault was injected'),
    })
  })

  test('is a warning if the token may not read events', async () => {
    const started = await start()
    applied('shop/checkout-1')
    server.newest().status = 'finished'
    server.state.mayListAll = false
    expect(await end(started)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('the token may not read events'),
    })
  })

  test('keeps running and reports why injection fails', async () => {
    const started = await start()
    server.addEvent('Failed', 'Failed to apply chaos: rpc error')
    expect(await poll(started)).toMatchObject({
      status: 'injecting',
      progress: 'injecting: Failed to apply chaos: rpc error',
    })
    server.newest().failedMessage = 'no pod is selected'
    expect(await poll(started)).toMatchObject({ progress: 'injecting: no pod is selected' })
  })

  test('is aborted if it is deleted manually', async () => {
    const started = await start()
    server.newest().status = 'deleting'
    expect(await poll(started)).toMatchObject({ status: 'deleting' })
    server.remove(server.newest())
    expect(await end(started)).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: expect.stringContaining('ended as deleted'),
      data: { state: 'deleted', kind: 'NetworkChaos', namespace: 'shop' },
    })
  })

  test('is refused while the dashboard does not know it', async () => {
    server.state.collects = false
    const started = await start()
    const failure = await failureOf(poll(started))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('not found')
  })
})

describe('Chaos Mesh: workflow', () => {
  const target = 'rollout'
  const start = () => connected().start({ target })
  const poll = (started: Awaited<ReturnType<typeof start>>) => connected().poll(started, { target })
  const end = (started: Awaited<ReturnType<typeof start>>) => connected().end(started, { target })
  const node = (template: string, type: string, state = 'Running') => ({
    name: `${template}-x7k2p`,
    template,
    type,
    state,
  })

  // Every status in the contract.
  test.each([
    ['running', undefined, undefined],
    ['finished', 'succeeded', 'pass'],
    ['failed', 'succeeded', 'fail'],
    ['unknown', undefined, undefined],
  ])('in the state %s, ends as %s with the result %s or keeps running', async (state, status, result) => {
    const started = await start()
    server.newest().status = state
    const seen = await poll(started)
    expect(seen).toMatchObject(status ? { outcome: { status, result, data: { state } } } : { status: state })
  })

  test('reports the running steps', async () => {
    const started = await start()
    const running = [node('entry', 'SerialNode'), node('slow', 'ChaosNode'), node('healthy', 'StatusCheckNode')]
    Object.assign(server.newest(), { status: 'running', nodes: running })
    expect(await poll(started)).toMatchObject({ status: 'running', progress: 'slow; healthy' })
  })

  test('reports its steps and its duration', async () => {
    const started = await start()
    const nodes = [node('slow', 'ChaosNode', 'Succeed'), node('healthy', 'StatusCheckNode', 'Succeed')]
    const times = {
      createdAt: '2026-11-02T10:00:00Z',
      endTime: '2026-11-02T10:01:30Z',
      finishTime: '0001-01-01T00:00:00Z',
    }
    Object.assign(server.newest(), { status: 'finished', nodes, ...times })
    expect((await end(started)).data).toMatchObject({
      kind: 'Workflow',
      namespace: 'shop',
      duration: 90,
      steps: ['slow: Succeed', 'healthy: Succeed'],
    })
  })

  test('fails and names the status check that aborted it', async () => {
    const started = await start()
    Object.assign(server.newest(), { status: 'finished' })
    server.newest().metadata.annotations = abort
    expect(await end(started)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('its status check healthy failed and aborted it'),
      data: { state: 'finished/check-failed' },
    })
  })

  test('is aborted if no status check could have aborted it', async () => {
    const input = { target: 'it' }
    const unchecked = having(workflow(slow, { ...healthy, abortWithStatusCheck: false }))
    const started = await unchecked.start(input)
    Object.assign(server.newest(), { status: 'finished' })
    server.newest().metadata.annotations = abort
    expect(await unchecked.end(started, input)).toMatchObject({
      status: 'aborted',
      data: { state: 'finished/aborted' },
    })
    server.newest().metadata.annotations = { ...abort, 'workflow.chaos-mesh.org/abort': 'false' }
    expect(await unchecked.end(started, input)).toMatchObject({ result: 'pass' })
  })

  test('is a warning if the version does not report aborts', async () => {
    const started = await start()
    server.newest().status = 'finished'
    server.state.old = true
    expect(await end(started)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('does not report whether a status check aborted it'),
    })
  })

  test('is refused while the dashboard does not know it', async () => {
    server.state.collects = false
    const started = await start()
    expect(await failureOf(poll(started))).toMatchObject({ kind: 'refused' })
  })
})

describe('Chaos Mesh: stop-test', () => {
  test('stops an experiment by id and waits until it is reverted', async () => {
    await connected().start({ target: 'latency' })
    const id = idOf(server.newest())
    server.state.slow = true
    expect((await connected().stop({ id })).message).toBe('still deleting')
    server.remove(server.newest())
    const ended = await connected().stop({ id })
    expect(ended).toMatchObject({ result: 'pass', message: `Experiment ${id} had ended already (deleted)` })
    server.state.slow = false
    await connected().start({ target: 'latency' }, { key: keyOf(2) })
    const other = idOf(server.newest())
    expect(await connected().stop({ id: other })).toMatchObject({
      result: 'pass',
      message: `Stopped experiment ${other} (deleted)`,
      data: { id: other, state: 'deleted' },
    })
  })

  test('stops a workflow and waits for its faults', async () => {
    const started = await connected({ allow: '*' }).start({ target: 'rollout' })
    const id = idOf(server.newest())
    const flow = server.newest()
    Object.assign(flow, { nodes: [{ name: 'slow-x7k2p', type: 'ChaosNode', state: 'Running', template: 'slow' }] })
    await connected({ allow: '*' }).start({ target: 'latency' }, { key: keyOf(2) })
    const injected = server.newest()
    injected.metadata.name = 'slow-x7k2p-9d8fz'
    server.state.slow = true
    expect((await connected().stop({ id })).message).toBe('still deleting')
    server.state.slow = false
    expect((await connected().stop({ id })).message).toBe('still deleting')
    server.remove(injected)
    expect(await connected().poll(started, { target: 'rollout' })).toMatchObject({ outcome: { status: 'aborted' } })
  })

  test('stops a running experiment at the deadline', async () => {
    const input = { target: 'latency' }
    const started = await connected().start(input)
    expect(await connected().stopAtDeadline(started, input)).toBe(true)
    expect(await connected().stopAtDeadline(started, input)).toBe(true)
    expect(server.state.objects).toEqual([])
  })

  test('passes for an ended experiment, which stays in the cluster', async () => {
    await connected().start({ target: 'kill' })
    server.addEvent('Applied', 'Successfully apply chaos for shop/checkout-1')
    server.newest().status = 'finished'
    const id = idOf(server.newest())
    expect(await connected().stop({ id })).toMatchObject({ message: `Experiment ${id} had ended already (finished)` })
    expect(server.state.objects).toHaveLength(1)
  })

  test('reports the reason that Chaos Mesh gives for a refusal', async () => {
    await connected().start({ target: 'latency' })
    server.state.forbidden = ['delete']
    const failure = await failureOf(connected().stop({ id: idOf(server.newest()) }))
    expect(failure.message).toContain('cannot delete resource "networkchaos"')
    const unknown = await failureOf(connected().stop({ id: `PodChaos/shop/${uid}` }))
    expect(unknown).toMatchObject({ kind: 'refused' })
    expect(unknown.message).toContain(`Experiment ${uid} not found`)
  })

  test.each([
    uid,
    `PodChaos/${uid}`,
    `podchaos/shop/${uid}`,
    `PodChaos/../${uid}`,
    'PodChaos/shop/../x',
    'PodChaos/shop/a?b',
  ])('rejects the id %s', async (id) => {
    const failure = await failureOf(connected().stop({ id }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain('such as PodChaos/shop/')
    expect(server.calls).toEqual([])
  })
})
