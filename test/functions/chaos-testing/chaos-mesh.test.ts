import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { chaosTemplate } from '../../../functions/chaos-testing/chaos-mesh-objects.ts'
import { chaosMesh } from '../../../functions/chaos-testing/providers/chaos-mesh.ts'
import type { ChaosMeshServer } from '../../../infra/platforms/chaos-mesh.ts'
import { jobConformance } from '../../conformance/job.ts'
import { chaosPlatforms, chaosWorkflows } from '../../conformance/job-platforms/chaos-testing.ts'
import { expectFailure, failureOf, keyOf } from '../helpers.ts'
import { experimentActions } from '../job-actions.ts'

type Template = z.input<typeof chaosTemplate>
const apiVersion = 'chaos-mesh.org/v1alpha1'
const checkout = { labelSelectors: { app: 'checkout' } }
const delay = { action: 'delay', mode: 'all', selector: checkout, delay: { latency: '200ms' } }
const made = (kind: string, spec: object, namespace = 'shop') =>
  ({ apiVersion, kind, metadata: { namespace }, spec }) as Template
const lasting = (duration: string) => made('NetworkChaos', { ...delay, duration })
const latency = lasting('60s')
const kill = made('PodChaos', { action: 'pod-kill', mode: 'one', selector: checkout })
const killing = (more: object) => made('PodChaos', { ...kill.spec, ...more })
const entry = { name: 'entry', templateType: 'Serial', deadline: '5m', children: ['slow', 'healthy'] }
const slow = { name: 'slow', templateType: 'NetworkChaos', deadline: '60s', networkChaos: delay }
const healthy = {
  ...{ name: 'healthy', templateType: 'StatusCheck', deadline: '60s', abortWithStatusCheck: true },
  statusCheck: { mode: 'Continuous', type: 'HTTP', http: { url: 'http://shop', criteria: { statusCode: '200' } } },
}
const entering = (entry: string, ...templates: object[]) => made('Workflow', { entry, templates })
const workflow = (...templates: object[]) => entering('entry', entry, ...templates)
const templates = { latency, kill, rollout: workflow(slow, healthy) }
const [ofKill, ofLatency, ofRollout] = [{ target: 'kill' }, { target: 'latency' }, { target: 'rollout' }]

const connected = (fields: object = {}) => connect({ templates, ...fields })
const having = (template: object, fields: object = {}) => connected({ templates: { it: template }, ...fields })
const isValid = (fields: object) =>
  chaosMesh.connection.safeParse({ baseUrl: server.url, token: server.token, allow: '*', templates, ...fields }).success
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const idOf = ({ kind, metadata, uid }: ReturnType<ChaosMeshServer['newest']>) => `${kind}/${metadata.namespace}/${uid}`
const applied = (pod: string) => server.addEvent('Applied', `Successfully apply chaos for ${pod}`)
const become = (changes: object) => Object.assign(server.newest(), changes)
const uid = '8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10'
const abort = { 'workflow.chaos-mesh.org/abort': 'true' }

const ofExperiments = ['finished/unconfirmed', 'finished/not-injected']
const ofWorkflows = ['finished/check-failed', 'finished/aborted']
const { server, connected: connect } = jobConformance(chaosMesh, experimentActions, chaosPlatforms['chaos-mesh'], {
  states: {
    running: ['injecting', 'running', 'paused', 'deleting'],
    pass: ['finished'],
    aborted: ['deleted'],
  },
  otherStates: ['unknown', 'failed', ...ofExperiments, ...ofWorkflows],
  unsupported: ['ref'],
  check: [{ path: '/api/archives', query: new URLSearchParams('namespace=shop') }],
  failedChecks: [
    [
      'is in the namespace chaos, which is outside the blast radius',
      { templates: { ...templates, other: made('PodChaos', kill.spec, 'chaos') } },
    ],
  ],
  invalidStarts: [
    ['an unknown template', { target: 'nope' }, 'must be a template of the connection: it'],
    ['a template named like a property of every object', { target: 'constructor' }, 'must be a template of the conn'],
    ['an invalid namespace', { project: 'Shop/..' }, 'input.project must be a namespace'],
    ['other parameters', { parameters: { mode: 'all', selector: {} } }, 'not mode, selector'],
    ['an invalid duration', { parameters: { duration: 'long' } }, 'such as 90s or 1m30s'],
    ['a duration that is a number', { parameters: { duration: 90 } }, 'such as 90s or 1m30s'],
    ['a zero duration', { parameters: { duration: '0s' } }, 'such as 90s or 1m30s'],
    ['a duration for an instant action', { parameters: { duration: '9s' }, ...ofKill }, 'immediately', { templates }],
    ['a duration for a workflow', { parameters: { duration: '9s' }, ...ofRollout }, 'the deadlines', { templates }],
  ],
  forbidden: [
    ['another namespace', { project: 'chaos' }, 'which is outside the blast radius'],
    ['a longer duration', { parameters: { duration: '10m1s' } }, 'the connection allows at most 10m'],
  ],
  invalidIds: [
    [uid, `PodChaos/${uid}`, `podchaos/shop/${uid}`, `PodChaos/../${uid}`, 'PodChaos/shop/../x', 'PodChaos/shop/a?b'],
    'such as PodChaos/shop/',
  ],
})

describe('of workflows', () => {
  jobConformance(chaosMesh, experimentActions, chaosWorkflows, {
    name: 'Chaos Mesh: a workflow',
    states: { running: ['running', 'unknown'], pass: ['finished'], fail: ['failed'], aborted: ['deleted'] },
    otherStates: ['injecting', 'paused', 'deleting', ...ofExperiments, ...ofWorkflows],
  })
})

describe('Chaos Mesh: connection', () => {
  test.each([
    ['a schedule, which would inject repeatedly', { ...kill, kind: 'Schedule' }],
    ['a kind that has no namespace', { ...kill, kind: 'AWSChaos' }],
    ['machines', { ...kill, kind: 'PhysicalMachineChaos' }],
    ['an object of another API', { ...kill, apiVersion: 'v1' }],
    ['no namespace', { ...kill, metadata: {} }],
    ['no selector', made('PodChaos', { action: 'pod-kill', mode: 'one' })],
    ['an invalid namespace', killing({ selector: { namespaces: [''] } })],
    ['pods of an invalid namespace', killing({ selector: { pods: { '': ['a'] } } })],
    ['a field with another spelling', killing({ RemoteCluster: 'b' })],
    ['a field with letters that Go folds into others', killing({ \u017felector: {} })],
    ['namespaces with another spelling', killing({ selector: { Namespaces: ['chaos'] } })],
    ['a workflow without templates', made('Workflow', { entry: 'entry', templates: [] })],
  ])('rejects a template with %s', (_what, template) => {
    expect(isValid({ templates: { it: template } })).toBe(false)
  })

  test.each([
    ...['BlockChaos', 'DNSChaos', 'HTTPChaos', 'IOChaos', 'JVMChaos', 'KernelChaos', 'NetworkChaos'],
    ...['PodChaos', 'StressChaos', 'TimeChaos'],
  ])('accepts %s, which selects pods', (kind) => {
    expect(isValid({ templates: { it: { ...latency, kind } } })).toBe(true)
  })

  test.each(['forever', '0s', '-5m'])('rejects the maxDuration %s', (maxDuration) => {
    expect(isValid({ maxDuration })).toBe(false)
  })
})

describe('Chaos Mesh: start', () => {
  test('creates the object of a template with the key in its name and in a label', async () => {
    const { outcome } = await connected().start(ofLatency)
    const url = `${server.url}/#/experiments/${server.newest().uid}`
    expect(outcome.data).toMatchObject({ id: idOf(server.newest()), url })
    expect(server.newest()).toMatchObject({
      kind: 'NetworkChaos',
      metadata: {
        ...{ name: `latency-${keyOf(1)}`, namespace: 'shop' },
        labels: { 'cloud-automation-webhooks/key': keyOf(1) },
      },
      spec: { action: 'delay', duration: '60s', selector: { ...checkout, namespaces: ['shop'] } },
    })
  })

  test('uses labels and annotations of the template, but its own name', async () => {
    const copied = { labels: { team: 'a' }, annotations: { why: 'b' } }
    await having({ ...kill, metadata: { name: 'mine', namespace: 'shop', ...copied, finalizers: ['c'] } }).start({
      target: 'it',
    })
    const { labels, ...kept } = server.newest().metadata
    expect(kept).toEqual({ name: `it-${keyOf(1)}`, namespace: 'shop', annotations: { why: 'b' } })
    expect(labels).toMatchObject({ team: 'a' })
  })

  test('creates a workflow and links to its page', async () => {
    const { outcome } = await connected().start(ofRollout)
    expect(outcome.data['url']).toBe(`${server.url}/#/workflows/${server.newest().uid}`)
    const limited = { ...slow, networkChaos: { selector: { namespaces: ['shop'] } } }
    expect(server.newest().spec).toMatchObject({ entry: 'entry', templates: [entry, limited, healthy] })
  })

  test('takes the namespace and the duration from the call', async () => {
    const input = { ...ofLatency, project: 'shop-db', parameters: { duration: '90s' } }
    await connected({ allow: ['shop*'] }).start(input)
    const spec = { duration: '90s', selector: { namespaces: ['shop-db'] } }
    expect(server.newest()).toMatchObject({ metadata: { namespace: 'shop-db' }, spec })
  })

  test.each(['Pod kill (prod)!', '--', 'a-very-long-name-of-a-template-that-is-cut'])(
    'creates a valid Kubernetes name for the template "%s"',
    async (target) => {
      await connected({ templates: { [target]: kill } }).start({ target })
      expect(server.newest().metadata.name).toMatch(new RegExp(`^[a-z0-9][-a-z0-9]{0,21}-${keyOf(1)}$`))
    },
  )

  test('without an event id, sets no label', async () => {
    await connected().start(ofKill, { key: undefined })
    expect(server.newest().metadata.labels).toEqual({})
  })

  const nested = { ...slow, networkChaos: { ...delay, duration: '60s' } }
  test.each([
    ['an invalid mode', killing({ mode: 'some' }), {}, 'is invalid: spec.mode: Unsupported value: "some"'],
    ['a duration of a step', workflow(nested, healthy), {}, 'use Template#Deadline instead.'],
    ['an unknown namespace', kill, { project: 'nowhere' }, 'namespaces "nowhere" not found'],
  ])('reports the reason of Kubernetes, which arrives with 500: %s', async (_what, template, input, message) => {
    const refused = having(template, { allow: '*' }).start({ target: 'it', ...input })
    await expectFailure(refused, { kind: 'refused', status: 422 }, message)
    expect(server.state.objects).toEqual([])
  })

  test.each<[change: object, message: string]>([
    [
      { forbidden: ['create'] },
      'cannot create resource "podchaos" in API group "chaos-mesh.org" in the namespace "shop"',
    ],
    [{ mayListAll: false }, "can't list resource in namespace shop"],
  ])('names the permission that the token lacks: %j', async (change, message) => {
    Object.assign(server.state, change)
    await expectFailure(connected().start(ofKill), {}, message)
  })

  test('is transient if an admission webhook does not respond', async () => {
    const message = 'error.api.internal_server_error: failed calling webhook "m.kb.io": EOF'
    server.failNext(500, { code: 500, message })
    await expectFailure(connected().start(ofKill), { transient: true })
  })
})

describe('Chaos Mesh: blast radius', () => {
  const other = { namespaces: ['shop', 'chaos'] }
  const target = (selector: object) => ({ mode: 'all', selector })
  const stepWith = (more: object) => workflow({ ...slow, ...more })
  const delayStep = (more: object) => stepWith({ networkChaos: { ...delay, ...more } })
  test.each([
    ['an object in another namespace', made('PodChaos', kill.spec, 'chaos'), 'is in the namespace chaos'],
    ['pods of another namespace', killing({ selector: other }), 'pods of the namespace chaos'],
    ['pods by name', killing({ selector: { pods: { chaos: ['a'] } } }), 'namespace chaos'],
    ['the other end of a network', made('NetworkChaos', { ...latency.spec, target: target(other) }), 'namespace chaos'],
    ['another cluster', killing({ remoteCluster: 'prod' }), 'sets remoteCluster'],
    ['another cluster in a step', delayStep({ remoteCluster: 'b' }), 'remoteCluster'],
    ['pods of a step', delayStep({ selector: other }), 'pods of the namespace chaos'],
    ['a step without a selector', stepWith({ networkChaos: { mode: 'all' } }), 'slow with an invalid networkChaos.sel'],
    ['a step with a field in another spelling', delayStep({ Selector: {} }), 'spelling'],
    ['a step with another spelling of its fault', stepWith({ NetworkChaos: delay }), 'slow with NetworkChaos'],
    ['a step that is a schedule', stepWith({ templateType: 'Schedule' }), 'slow of the type Schedule'],
    ['a step that runs a container', workflow({ name: 'run', templateType: 'Task' }), 'run of the type Task'],
    ['a step of a kind that no namespace limits', stepWith({ templateType: 'AWSChaos' }), 'of the type AWSChaos'],
    ['a step named like a property of every object', stepWith({ templateType: 'toString' }), 'of the type toString'],
    ['a step with another fault', stepWith({ podChaos: {} }), 'slow with podChaos'],
    ['a check with a fault', workflow({ ...healthy, networkChaos: delay }), 'healthy with networkChaos'],
    ['no time limit', made('NetworkChaos', delay), 'gives the template no time limit: add a duration such as 60s'],
    ['an invalid time limit', lasting('soon'), 'the invalid duration "soon": use a duration such as 60s'],
    ['a time limit that is too long', lasting('1h'), '1h, but the connection allows at most 10m'],
    ['a step without a time limit', stepWith({ deadline: undefined }), 'slow no time limit'],
    ['a step with a time limit that is too long', stepWith({ deadline: '11m' }), 'slow the deadline 11m'],
    ['a workflow without a time limit', entering('slow', { ...slow, deadline: undefined }), 'entry slow'],
    ['a workflow without its entry', entering('nope', slow), 'the entry nope'],
    ['a long workflow', entering('entry', { ...entry, deadline: '2h' }, slow), 'the entry entry the deadline 2h'],
  ])('rejects %s', async (_what, template, message) => {
    const refused = { kind: 'refused', status: 422, errors: [{ path: 'input.target' }] }
    await expectFailure(having(template).start({ target: 'it' }), refused, message)
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

describe('Chaos Mesh: retry of a start', () => {
  test('creates an object that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start(ofKill))
    await connected().start(ofKill, { isRetry: true })
    expect(server.state.objects).toHaveLength(1)
  })

  test('fails if Chaos Mesh accepts the object but does not list it', async () => {
    server.failNext(200, 'null', { on: 'POST' })
    await expectFailure(connected().start(ofKill), { transient: true }, 'but does not list it')
  })

  test.each([ofLatency, ofRollout])('does not restart what was deleted: %j', async (input) => {
    await connected().start(input)
    const object = server.newest()
    server.remove(object)
    expect((await connected().start(input)).outcome.data).toMatchObject({ id: idOf(object) })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('Chaos Mesh: experiment', () => {
  const endAfter = (change: () => unknown, input: object = ofLatency) => connected().endAfter(input, change)
  const pollAfter = (change: () => unknown) => connected().pollAfter(ofLatency, change)

  test('reports what was injected, and where', async () => {
    const { data, message, links } = await endAfter(() => {
      for (const pod of ['shop/checkout-1', 'shop/checkout-2', 'shop/checkout-1']) applied(pod)
      server.addEvent('Recovered', 'Successfully recover chaos for shop/checkout-1')
      become({ status: 'finished' })
    })
    expect(message).toBe(`Experiment ${idOf(server.newest())} ended as finished`)
    expect(data).toMatchObject({
      ...{ kind: 'NetworkChaos', namespace: 'shop', action: 'delay', mode: 'all', duration: 60, namespaces: ['shop'] },
      targets: ['shop/checkout-1', 'shop/checkout-2'],
    })
    expect(Object.values(links)).toEqual([`${server.url}/#/experiments/${server.newest().uid}`])
    expect(calls('GET').at(-1)?.query.get('namespace')).toBe('shop')
  })

  const targets = { ...ofLatency, thresholds: [{ metric: 'targets', op: '>=', value: 2 }] }
  test.each<[what: string, input: object, change: () => unknown, end: string]>([
    ['fails by a threshold', targets, () => applied('shop/checkout-1'), 'fail: .*targets is 1, not >= 2'],
    [
      'is errored if it finished without injecting a fault',
      ofLatency,
      () => server.addEvent('Failed', 'Failed to select targets: no pod is selected'),
      'fail: .*ended as finished/not-injected: Failed to select targets: no pod is selected',
    ],
    [
      'is a warning if no event shows a fault after a while',
      ofLatency,
      () => become({ createdAt: new Date(Date.now() - 60_000).toISOString() }),
      'warning: .*no event shows that a fault was injected',
    ],
    [
      'is a warning if the token may not read events',
      ofLatency,
      () => Object.assign(server.state, { mayListAll: false }),
      'warning: .*the token may not read events',
    ],
  ])('%s', async (_what, input, change, end) => {
    const { result, message } = await endAfter(() => {
      become({ status: 'finished' })
      change()
    }, input)
    expect(`${result}: ${message}`).toMatch(new RegExp(`^${end}`))
  })

  test('is running while its events may be missing', async () => {
    const progress = 'finished, waiting for its events'
    expect(await pollAfter(() => become({ status: 'finished' }))).toMatchObject({ status: 'finished', progress })
  })

  test('is running and reports why injection fails', async () => {
    const started = await connected().start(ofLatency)
    for (const [fail, progress] of [
      [
        () => server.addEvent('Failed', 'Failed to apply chaos: rpc error'),
        'injecting: Failed to apply chaos: rpc error',
      ],
      [() => become({ failedMessage: 'no pod is selected' }), 'injecting: no pod is selected'],
    ] as const) {
      fail()
      expect(await connected().poll(started, ofLatency)).toMatchObject({ status: 'injecting', progress })
    }
  })

  test('that was deleted keeps its data', async () => {
    const data = { state: 'deleted', kind: 'NetworkChaos', namespace: 'shop' }
    expect(await endAfter(() => server.remove(server.newest()))).toMatchObject({ status: 'aborted', data })
  })

  test.each([ofLatency, ofRollout])('is refused while the dashboard does not know it: %j', async (input) => {
    server.state.collects = false
    await expectFailure(
      connected().pollAfter(input, () => undefined),
      'refused',
      'not found',
    )
  })
})

describe('Chaos Mesh: workflow', () => {
  const node = (template: string, type: string, state = 'Running') => ({
    ...{ name: `${template}-x7k2p`, template, type, state },
  })
  const endWith = (changes: object) => connected().endAfter(ofRollout, () => become(changes))

  test('reports the running steps', async () => {
    const nodes = [node('entry', 'SerialNode'), node('slow', 'ChaosNode'), node('healthy', 'StatusCheckNode')]
    const running = await connected().pollAfter(ofRollout, () => become({ status: 'running', nodes }))
    expect(running).toMatchObject({ progress: 'slow; healthy' })
  })

  test('reports its steps and its duration', async () => {
    const nodes = [node('slow', 'ChaosNode', 'Succeed'), node('healthy', 'StatusCheckNode', 'Succeed')]
    const period = { createdAt: '2026-11-02T10:00:00Z', endTime: '2026-11-02T10:01:30Z' }
    const { data } = await endWith({ status: 'finished', nodes, ...period, finishTime: '0001-01-01T00:00:00Z' })
    const steps = ['slow: Succeed', 'healthy: Succeed']
    expect(data).toMatchObject({ kind: 'Workflow', namespace: 'shop', duration: 90, steps })
  })

  const unchecked = () => having(workflow(slow, { ...healthy, abortWithStatusCheck: false }))
  test.each<[what: string, run: () => Promise<object>, annotations: object | undefined, expected: object]>([
    [
      'fails and names the status check that aborted it',
      () => connected().start(ofRollout),
      abort,
      { result: 'fail', message: expect.stringContaining('its status check healthy failed and aborted it') },
    ],
    [
      'is aborted if no status check could have aborted it',
      () => unchecked().start({ target: 'it' }),
      abort,
      { status: 'aborted', data: { state: 'finished/aborted' } },
    ],
    [
      'passes if it was not aborted',
      () => unchecked().start({ target: 'it' }),
      { 'workflow.chaos-mesh.org/abort': 'false' },
      { result: 'pass' },
    ],
  ])('%s', async (_what, run, annotations, expected) => {
    const started = await run()
    become({ status: 'finished', metadata: { ...server.newest().metadata, annotations } })
    expect(await connected().end(started as never, ofRollout)).toMatchObject(expected)
  })

  test('is a warning if the version does not report aborts', async () => {
    server.state.old = true
    const { result, message } = await endWith({ status: 'finished' })
    expect(`${result}: ${message}`).toMatch(/^warning: .*does not report whether a status check aborted it/)
  })
})

describe('Chaos Mesh: stop-test', () => {
  test('waits until an experiment is reverted', async () => {
    await connected().start(ofLatency)
    server.state.slow = true
    const id = idOf(server.newest())
    expect((await connected().stop({ id })).message).toBe('still deleting')
    server.remove(server.newest())
    expect((await connected().stop({ id })).message).toBe(`Experiment ${id} had ended already (deleted)`)
  })

  test('waits for the faults of a workflow', async () => {
    const started = await connected().start(ofRollout)
    const id = idOf(server.newest())
    become({ nodes: [{ name: 'slow-x7k2p', type: 'ChaosNode', state: 'Running', template: 'slow' }] })
    await connected().start(ofLatency, { key: keyOf(2) })
    const injected = server.newest()
    injected.metadata.name = 'slow-x7k2p-9d8fz'
    for (const slow of [true, false]) {
      server.state.slow = slow
      expect((await connected().stop({ id })).message).toBe('still deleting')
    }
    server.remove(injected)
    expect(await connected().poll(started, ofRollout)).toMatchObject({ outcome: { status: 'aborted' } })
  })

  test('leaves an ended experiment in the cluster', async () => {
    await connected().start(ofKill)
    applied('shop/checkout-1')
    become({ status: 'finished' })
    await connected().stop({ id: idOf(server.newest()) })
    expect(server.state.objects).toHaveLength(1)
  })

  test('reports the reason that Chaos Mesh gives for a refusal', async () => {
    await connected().start(ofLatency)
    server.state.forbidden = ['delete']
    await expectFailure(connected().stop({ id: idOf(server.newest()) }), {}, 'cannot delete resource "networkchaos"')
    await expectFailure(connected().stop({ id: `PodChaos/shop/${uid}` }), 'refused', `Experiment ${uid} not found`)
  })
})
