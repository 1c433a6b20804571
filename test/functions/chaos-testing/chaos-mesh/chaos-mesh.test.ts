import { describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import { chaosMesh } from '../../../../functions/chaos-testing/chaos-mesh/chaos-mesh.ts'
import type { chaosTemplate } from '../../../../functions/chaos-testing/chaos-mesh/objects.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { chaosMeshWorkflow, jobRow } from './fake.ts'
import type { ChaosMeshServer } from './server.ts'
import { experimentStates, workflowStates } from './states.ts'

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
  name: 'healthy',
  templateType: 'StatusCheck',
  deadline: '60s',
  abortWithStatusCheck: true,
  statusCheck: { mode: 'Continuous', type: 'HTTP', http: { url: 'http://shop', criteria: { statusCode: '200' } } },
}
const entering = (entry: string, ...templates: object[]) => made('Workflow', { entry, templates })
const workflow = (...templates: object[]) => entering('entry', entry, ...templates)
const templates = { latency, kill, rollout: workflow(slow, healthy) }
const [ofKill, ofLatency, ofRollout] = [{ target: 'kill' }, { target: 'latency' }, { target: 'rollout' }]

const connected = (fields: object = {}) => connect({ templates, ...fields })
const as = (template: object) => ({ templates: { it: template } })
const withTemplate = (template: object, fields: object = {}) => connected({ ...as(template), ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const idOf = ({ kind, metadata, uid }: ReturnType<ChaosMeshServer['newest']>) => `${kind}/${metadata.namespace}/${uid}`
const applied = (pod: string) => server.addEvent('Applied', `Successfully apply chaos for ${pod}`)
const become = (changes: object) => Object.assign(server.newest(), changes)
const uid = '8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10'
const abort = { 'workflow.chaos-mesh.org/abort': 'true' }

const other = { namespaces: ['shop', 'chaos'] }
const target = (selector: object) => ({ mode: 'all', selector })
const stepWith = (more: object) => workflow({ ...slow, ...more })
const delayStep = (more: object) => stepWith({ networkChaos: { ...delay, ...more } })
const outside: [what: string, template: object, message: string][] = [
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
]

const nested = { ...slow, networkChaos: { ...delay, duration: '60s' } }
/** Moves a run without events to a state before another change. */
const inState = (status: string, change: (server: ChaosMeshServer) => unknown) => (server: ChaosMeshServer) => {
  server.state.events = []
  server.newest().status = status
  return change(server)
}

const ofExperiments = ['finished/unconfirmed', 'finished/not-injected']
const ofWorkflows = ['finished/check-failed', 'finished/aborted']
const { server, connected: connect } = jobConformance(chaosMesh, experimentActions, jobRow, {
  states: vendorStates(experimentStates, { aborted: ['deleted'] }),
  otherStates: ['unknown', 'failed', ...ofExperiments, ...ofWorkflows],
  unsupported: ['ref'],
  invalid: [
    ...['forever', '0s', '-5m'].map((maxDuration) => ({ maxDuration })),
    // A schedule would inject repeatedly. The others have no namespace.
    ...['Schedule', 'AWSChaos', 'PhysicalMachineChaos'].map((kind) => as({ ...kill, kind })),
    ...[{ apiVersion: 'v1' }, { metadata: {} }].map((more) => as({ ...kill, ...more })),
    as(made('PodChaos', { action: 'pod-kill', mode: 'one' })),
    ...[{ namespaces: [''] }, { pods: { '': ['a'] } }, { Namespaces: ['chaos'] }].map((selector) =>
      as(killing({ selector })),
    ),
    as(killing({ RemoteCluster: 'b' })),
    // Go folds this letter into s.
    as(killing({ \u017felector: {} })),
    as(made('Workflow', { entry: 'entry', templates: [] })),
  ],
  check: [{ path: '/api/archives', query: new URLSearchParams('namespace=shop') }],
  failedChecks: [
    {
      reason: 'is in the namespace chaos, which is outside the blast radius',
      connection: { templates: { ...templates, other: made('PodChaos', kill.spec, 'chaos') } },
    },
  ],
  invalidStarts: [
    { name: 'an unknown template', input: { target: 'nope' }, message: 'must be a template of the connection: it' },
    {
      name: 'a template named like a property of every object',
      input: { target: 'constructor' },
      message: 'must be a template of the conn',
    },
    { name: 'an invalid namespace', input: { project: 'Shop/..' }, message: 'input.project must be a namespace' },
    { name: 'other parameters', input: { parameters: { mode: 'all', selector: {} } }, message: 'not mode, selector' },
    { name: 'an invalid duration', input: { parameters: { duration: 'long' } }, message: 'such as 90s or 1m30s' },
    { name: 'a duration that is a number', input: { parameters: { duration: 90 } }, message: 'such as 90s or 1m30s' },
    { name: 'a zero duration', input: { parameters: { duration: '0s' } }, message: 'such as 90s or 1m30s' },
    {
      name: 'a duration for an instant action',
      input: { parameters: { duration: '9s' }, ...ofKill },
      message: 'immediately',
      connection: { templates },
    },
    {
      name: 'a duration for a workflow',
      input: { parameters: { duration: '9s' }, ...ofRollout },
      message: 'the deadlines',
      connection: { templates },
    },
  ],
  forbidden: [
    { name: 'another namespace', input: { project: 'chaos' }, message: 'which is outside the blast radius' },
    {
      name: 'a longer duration',
      input: { parameters: { duration: '10m1s' } },
      message: 'the connection allows at most 10m',
    },
    ...outside.map(([name, template, message]) => ({ name, message, connection: as(template) })),
  ],
  refused: [
    {
      name: 'an invalid mode',
      reason: 'is invalid: spec.mode: Unsupported value: "some"',
      connection: as(killing({ mode: 'some' })),
    },
    {
      name: 'a duration of a step',
      reason: 'use Template#Deadline instead.',
      connection: as(workflow(nested, healthy)),
    },
    { name: 'an unknown namespace', input: { project: 'nowhere' }, reason: 'namespaces "nowhere" not found' },
    {
      name: 'a missing permission to create',
      change: withState({ forbidden: ['create'] }),
      reason: 'cannot create resource "networkchaos" in API group "chaos-mesh.org" in the namespace "shop"',
      kind: 'credentials',
    },
    {
      name: 'a missing permission to list',
      change: withState({ mayListAll: false }),
      reason: "can't list resource in namespace shop",
      kind: 'credentials',
    },
  ],
  waits: [
    {
      name: 'an admission webhook that does not respond',
      change: ({ failNext }) => failNext(500, { code: 500, message: 'failed calling webhook "m.kb.io": EOF' }),
      reason: 'failed calling webhook',
    },
  ],
  reports: [
    {
      name: 'a threshold',
      change: inState('finished', (server) =>
        server.addEvent('Applied', 'Successfully apply chaos for shop/checkout-1'),
      ),
      reported: { result: 'fail', message: expect.stringContaining('targets is 1, not >= 2') },
      input: { thresholds: [{ metric: 'targets', op: '>=', value: 2 }] },
    },
    {
      name: 'that it finished without injecting a fault',
      change: inState('finished', (server) =>
        server.addEvent('Failed', 'Failed to select targets: no pod is selected'),
      ),
      reported: {
        status: 'errored',
        message: expect.stringMatching(/finished\/not-injected: Failed to select targets: no pod is/),
      },
    },
    {
      name: 'that no event shows a fault after a while',
      change: inState('finished', ({ newest }) =>
        Object.assign(newest(), { createdAt: new Date(Date.now() - 60_000).toISOString() }),
      ),
      reported: { result: 'warning', message: expect.stringContaining('no event shows that a fault was injected') },
    },
    {
      name: 'that the token may not read events',
      change: inState('finished', withState({ mayListAll: false })),
      reported: { result: 'warning', message: expect.stringContaining('the token may not read events') },
    },
    {
      name: 'that its events may be missing',
      change: inState('finished', () => undefined),
      reported: { status: 'finished', progress: 'finished, waiting for its events' },
    },
    {
      name: 'the event that shows why injection fails',
      change: inState('injecting', ({ addEvent }) => addEvent('Failed', 'Failed to apply chaos: rpc error')),
      reported: { status: 'injecting', progress: 'injecting: Failed to apply chaos: rpc error' },
    },
    {
      name: 'its own reason why injection fails',
      change: inState('injecting', ({ addEvent, newest }) => {
        addEvent('Failed', 'Failed to apply chaos: rpc error')
        newest().failedMessage = 'no pod is selected'
      }),
      reported: { status: 'injecting', progress: 'injecting: no pod is selected' },
    },
    {
      name: 'its data after it was deleted',
      change: ({ remove, newest }) => remove(newest()),
      reported: { status: 'aborted', data: { state: 'deleted', kind: 'NetworkChaos', namespace: 'shop' } },
    },
  ],
  slowStop: { state: 'deleting', change: withState({ slow: true }) },
  refusedStops: [
    {
      change: withState({ forbidden: ['delete'] }),
      reason: 'cannot delete resource "networkchaos"',
      kind: 'credentials',
    },
    { id: `PodChaos/shop/${uid}`, reason: `Experiment ${uid} not found` },
  ],
  invalidIds: {
    ids: [
      uid,
      `PodChaos/${uid}`,
      `podchaos/shop/${uid}`,
      `PodChaos/../${uid}`,
      'PodChaos/shop/../x',
      'PodChaos/shop/a?b',
    ],
    message: 'such as PodChaos/shop/',
  },
})

describe('of workflows', () => {
  jobConformance(chaosMesh, experimentActions, chaosMeshWorkflow, {
    name: 'Chaos Mesh: a workflow',
    states: vendorStates(workflowStates, { running: ['unknown'], aborted: ['deleted'] }),
    otherStates: ['injecting', 'paused', 'deleting', ...ofExperiments, ...ofWorkflows],
  })
})

test.each([
  'BlockChaos',
  'DNSChaos',
  'HTTPChaos',
  'IOChaos',
  'JVMChaos',
  'KernelChaos',
  'NetworkChaos',
  'PodChaos',
  'StressChaos',
  'TimeChaos',
])('Chaos Mesh: the connection accepts %s, which selects pods', (kind) => {
  const values = { baseUrl: server.url, token: server.token, allow: '*', ...as({ ...latency, kind }) }
  expect(chaosMesh.connection.safeParse(values).success).toBe(true)
})

describe('Chaos Mesh: start', () => {
  test('creates the object of a template with the key in its name and in a label', async () => {
    const { outcome } = await connected().start(ofLatency)
    const url = `${server.url}/#/experiments/${server.newest().uid}`
    expect(outcome.data).toMatchObject({ id: idOf(server.newest()), url })
    expect(server.newest()).toMatchObject({
      kind: 'NetworkChaos',
      metadata: {
        name: `latency-${keyOf(1)}`,
        namespace: 'shop',
        labels: { 'cloud-automation-webhooks/key': keyOf(1) },
      },
      spec: { action: 'delay', duration: '60s', selector: { ...checkout, namespaces: ['shop'] } },
    })
  })

  test('uses labels and annotations of the template, but its own name', async () => {
    const copied = { labels: { team: 'a' }, annotations: { why: 'b' } }
    await withTemplate({ ...kill, metadata: { name: 'mine', namespace: 'shop', ...copied, finalizers: ['c'] } }).start({
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
})

test('Chaos Mesh: a template outside the blast radius is an error of the target', async () => {
  const refused = withTemplate(lasting('1h')).start({ target: 'it' })
  await expectFailure(refused, { errors: [{ path: 'input.target' }] })
})

test('Chaos Mesh: a start may use objects within the limits', async () => {
  const spec = {
    ...latency.spec,
    duration: '1h29m59.5s',
    selector: { namespaces: ['shop', 'shop-db'] },
    target: target({ pods: { 'shop-db': ['postgres-0'] } }),
  }
  await withTemplate(made('NetworkChaos', spec), { allow: 'shop*', maxDuration: '90m' }).start({ target: 'it' })
  expect(server.newest().spec).toMatchObject({ selector: { namespaces: ['shop', 'shop-db'] } })
  const http = made('HTTPChaos', { ...latency.spec, target: 'Request' })
  await withTemplate(http).start({ target: 'it' })
  expect(server.newest().spec).toMatchObject({ target: 'Request' })
})

test('Chaos Mesh: a retry of a start fails if Chaos Mesh accepts the object but does not list it', async () => {
  server.failNext(200, 'null', { on: 'POST' })
  await expectFailure(connected().start(ofKill), { transient: true }, 'but does not list it')
})

test.each([ofLatency, ofRollout])(
  'Chaos Mesh: a retry of a start does not restart what was deleted: %j',
  async (input) => {
    await connected().start(input)
    const object = server.newest()
    server.remove(object)
    expect((await connected().start(input)).outcome.data).toMatchObject({ id: idOf(object) })
    expect(calls('POST')).toHaveLength(1)
  },
)

test('Chaos Mesh: an experiment reports what was injected, and where', async () => {
  const { data, message, links } = await connected().endAfter(ofLatency, () => {
    for (const pod of ['shop/checkout-1', 'shop/checkout-2', 'shop/checkout-1']) applied(pod)
    server.addEvent('Recovered', 'Successfully recover chaos for shop/checkout-1')
    become({ status: 'finished' })
  })
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

test.each([ofLatency, ofRollout])(
  'Chaos Mesh: an experiment is refused while the dashboard does not know it: %j',
  async (input) => {
    server.state.collects = false
    const polled = connected().pollAfter(input, () => undefined)
    await expectFailure(polled, 'refused', 'not found')
  },
)

describe('Chaos Mesh: workflow', () => {
  const node = (template: string, type: string, state = 'Running') => ({
    name: `${template}-x7k2p`,
    template,
    type,
    state,
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

  const unchecked = () => withTemplate(workflow(slow, { ...healthy, abortWithStatusCheck: false }))
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

test('Chaos Mesh: stop-test waits for the faults of a workflow', async () => {
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

test('Chaos Mesh: stop-test leaves an ended experiment in the cluster', async () => {
  await connected().start(ofKill)
  applied('shop/checkout-1')
  become({ status: 'finished' })
  await connected().stop({ id: idOf(server.newest()) })
  expect(server.state.objects).toHaveLength(1)
})
