import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type * as z from 'zod/mini'
import type { chaosTemplate } from '../../../functions/chaos-testing/chaos-mesh-objects.ts'
import { chaosMesh } from '../../../functions/chaos-testing/providers/chaos-mesh.ts'
import { type ChaosMeshServer, startChaosMesh } from '../../../infra/platforms/chaos-mesh.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { experiment } from './experiment.ts'

let server: ChaosMeshServer
beforeEach(async () => {
  server = await startChaosMesh()
})
afterEach(() => server.close())

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
  ...{ name: 'healthy', templateType: 'StatusCheck', deadline: '60s', abortWithStatusCheck: true },
  statusCheck: { mode: 'Continuous', type: 'HTTP', http: { url: 'http://shop', criteria: { statusCode: '200' } } },
}
const workflow = (...templates: object[]) => made('Workflow', { entry: 'entry', templates: [entry, ...templates] })
const templates = { latency, kill, rollout: workflow(slow, healthy) }

const connected = (fields: object = {}) =>
  experiment(chaosMesh, () => ({
    ...{ baseUrl: server.url, token: server.token, allow: ['shop'], templates },
    ...fields,
  }))
const having = (template: object, fields: object = {}) => connected({ templates: { it: template }, ...fields })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const idOf = ({ kind, metadata, uid }: ReturnType<ChaosMeshServer['newest']>) => `${kind}/${metadata.namespace}/${uid}`
const uid = '8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10'
const abort = { 'workflow.chaos-mesh.org/abort': 'true' }

describe('the connection', () => {
  test('is checked with the archives of its namespaces, that every start asks for', async () => {
    await chaosMesh.check(connected().client())
    expect(server.calls.map(({ path, query }) => `${path}?${query}`)).toEqual(['/api/archives?namespace=shop'])
  })

  test('is checked with all of its templates', async () => {
    const bad = { ...templates, other: made('PodChaos', kill.spec, 'chaos') }
    const failure = await failureOf(
      Promise.resolve().then(() => chaosMesh.check(connected({ templates: bad }).client())),
    )
    expect(failure.message).toContain('is made in the namespace chaos, which is outside of the blast radius')
  })

  test('says that a token is wrong, which Chaos Mesh answers with 500, and not which', async () => {
    const failure = await failureOf(connected({ token: 'a-wrong-token' }).start({ target: 'kill' }))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('Unauthorized')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up', () => {
    expect(secretsIn(chaosMesh.connection, { token: server.token })).toEqual([server.token])
  })

  test.each([[undefined], [[]], ['']])('must say what may be touched: %j is not enough', (allow) => {
    const given = { baseUrl: server.url, token: server.token, templates, allow }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })

  test.each([
    ['a schedule, which would inject again and again', { ...kill, kind: 'Schedule' }],
    ['a kind that no namespace bounds', { ...kill, kind: 'AWSChaos' }],
    ['machines', { ...kill, kind: 'PhysicalMachineChaos' }],
    ['an object of another API', { ...kill, apiVersion: 'v1' }],
    ['no namespace', { ...kill, metadata: {} }],
    ['no selector', made('PodChaos', { action: 'pod-kill', mode: 'one' })],
    ['a namespace that is none', made('PodChaos', { ...kill.spec, selector: { namespaces: [''] } })],
    ['pods of a namespace that is none', made('PodChaos', { ...kill.spec, selector: { pods: { '': ['a'] } } })],
    ['a field in another spelling', made('PodChaos', { ...kill.spec, RemoteCluster: 'b' })],
    ['a field in letters that Go takes for others', made('PodChaos', { ...kill.spec, \u017felector: {} })],
    ['namespaces in another spelling', made('PodChaos', { ...kill.spec, selector: { Namespaces: ['chaos'] } })],
    ['a workflow of nothing', made('Workflow', { entry: 'entry', templates: [] })],
  ])('takes no template with %s', (_what, template) => {
    const given = { baseUrl: server.url, token: server.token, allow: '*', templates: { it: template } }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })

  test('takes every kind that selects pods', () => {
    const kinds = ['BlockChaos', 'DNSChaos', 'HTTPChaos', 'IOChaos', 'JVMChaos', 'KernelChaos', 'NetworkChaos']
    for (const kind of [...kinds, 'PodChaos', 'StressChaos', 'TimeChaos']) {
      const given = { baseUrl: server.url, token: server.token, allow: '*', templates: { it: { ...latency, kind } } }
      expect(chaosMesh.connection.safeParse(given)).toMatchObject({ success: true })
    }
  })

  test.each(['forever', '0s', '-5m'])('takes no maxDuration of %s', (maxDuration) => {
    const given = { baseUrl: server.url, token: server.token, allow: '*', templates, maxDuration }
    expect(chaosMesh.connection.safeParse(given).success).toBe(false)
  })
})

describe('a start', () => {
  test('makes the object of a template, and answers it at once', async () => {
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

  test('keeps labels and annotations of the template, and gives it a name of its own', async () => {
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

  test('makes a workflow, with a link to its page', async () => {
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

  test('takes the template from the connection, the namespace and the duration from the call', async () => {
    await connected({ target: 'latency', allow: ['shop*'] }).start({
      project: 'shop-db',
      parameters: { duration: '90s' },
    })
    expect(server.newest()).toMatchObject({
      metadata: { namespace: 'shop-db' },
      spec: { duration: '90s', selector: { namespaces: ['shop-db'] } },
    })
  })

  test.each(['Pod kill (prod)!', '--', 'a-very-long-name-of-a-template-that-goes-on'])(
    'makes a name of the template "%s" that Kubernetes takes',
    async (target) => {
      await connected({ templates: { [target]: kill } }).start({ target })
      expect(server.newest().metadata.name).toMatch(new RegExp(`^[a-z0-9][-a-z0-9]{0,21}-${keyOf(1)}$`))
    },
  )

  test('without an event id makes an object whenever it is called', async () => {
    await connected().start({ target: 'kill' }, { key: undefined })
    await connected().start({ target: 'kill' }, { key: undefined })
    expect(server.state.objects).toHaveLength(2)
    expect(server.newest().metadata.labels).toEqual({})
  })

  test.each([
    ['another template', { target: 'nope' }, 'is no template of the connection, which has latency, kill, rollout'],
    ['a name that every object has', { target: 'constructor' }, 'is no template of the connection'],
    ['a version', { target: 'kill', ref: 'v1' }, 'input.ref is of no use'],
    ['a namespace that is none', { target: 'kill', project: 'Shop/..' }, 'input.project is no namespace'],
    ['other parameters', { target: 'latency', parameters: { mode: 'all', selector: {} } }, 'and not mode, selector'],
    ['a duration that is none', { target: 'latency', parameters: { duration: 'long' } }, 'write it like 90s or 1m30s'],
    ['a duration that is a number', { target: 'latency', parameters: { duration: 90 } }, 'write it like 90s or 1m30s'],
    ['a duration of no time', { target: 'latency', parameters: { duration: '0s' } }, 'write it like 90s or 1m30s'],
    [
      'a duration of what is over at once',
      { target: 'kill', parameters: { duration: '9s' } },
      'pod-kill happens at once',
    ],
    ['a duration of a workflow', { target: 'rollout', parameters: { duration: '9s' } }, 'as its deadlines say'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(connected().start(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('says in the words of Kubernetes why it is refused, though that comes with 500', async () => {
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

  test('names the right that the token lacks', async () => {
    server.state.forbidden = ['create']
    expect((await failureOf(connected().start({ target: 'kill' }))).message).toContain(
      'cannot create resource "podchaos" in API group "chaos-mesh.org" in the namespace "shop"',
    )
    server.state.mayListAll = false
    expect((await failureOf(connected().start({ target: 'kill' }))).message).toContain(
      "can't list resource in namespace shop",
    )
  })

  test('is tried again where Chaos Mesh is down, as long as it asks for', async () => {
    server.failNext(500, '<html><title>Internal Server Error</title>', { on: 'POST' })
    expect(await failureOf(connected().start({ target: 'kill' }))).toMatchObject({ transient: true, afterWrite: true })
    server.failNext(500, {
      code: 500,
      message: 'error.api.internal_server_error: failed calling webhook "m.kb.io": EOF',
    })
    expect(await failureOf(connected().start({ target: 'kill' }))).toMatchObject({ transient: true })
    server.failNext(429, 'slow down', { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(connected().start({ target: 'kill' }))).toMatchObject({ transient: true, retryAfter: 30 })
    server.down()
    expect(await failureOf(connected().start({ target: 'kill' }))).toMatchObject({ transient: true })
  })
})

describe('the blast radius', () => {
  const other = { namespaces: ['shop', 'chaos'] }
  const target = (selector: object) => ({ mode: 'all', selector })
  test.each([
    ['an object in another namespace', made('PodChaos', kill.spec, 'chaos'), 'is made in the namespace chaos'],
    ['pods of another namespace', made('PodChaos', { ...kill.spec, selector: other }), 'pods of the namespace chaos'],
    [
      'pods by their names',
      made('PodChaos', { ...kill.spec, selector: { pods: { chaos: ['a'] } } }),
      'namespace chaos',
    ],
    ['the other end of a network', made('NetworkChaos', { ...latency.spec, target: target(other) }), 'namespace chaos'],
    ['another cluster', made('PodChaos', { ...kill.spec, remoteCluster: 'prod' }), 'names a remoteCluster'],
    [
      'another cluster, of a step',
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
      'slow with a networkChaos.selector that is wrong',
    ],
    [
      'a step with a field in another spelling',
      workflow({ ...slow, networkChaos: { ...delay, Selector: {} } }),
      'spelling',
    ],
    ['a step with another spelling of its fault', workflow({ ...slow, NetworkChaos: delay }), 'slow with NetworkChaos'],
    ['a step that is a schedule', workflow({ ...slow, templateType: 'Schedule' }), 'slow of the type Schedule'],
    ['a step that runs a container', workflow({ name: 'run', templateType: 'Task' }), 'run of the type Task'],
    ['a step of a kind that nothing bounds', workflow({ ...slow, templateType: 'AWSChaos' }), 'of the type AWSChaos'],
    ['a step named like what objects have', workflow({ ...slow, templateType: 'toString' }), 'of the type toString'],
    ['a step with another fault', workflow({ ...slow, podChaos: {} }), 'slow with podChaos'],
    ['a check with a fault', workflow({ ...healthy, networkChaos: delay }), 'healthy with networkChaos'],
    ['no end', made('NetworkChaos', delay), 'it needs a duration, like 60s'],
    ['no end that can be read', made('NetworkChaos', { ...delay, duration: 'soon' }), 'which is none: write 60s'],
    ['too late an end', made('NetworkChaos', { ...delay, duration: '1h' }), '1h, and the connection allows 10m'],
    ['a step without an end', workflow({ ...slow, deadline: undefined }), 'slow go on until somebody ends it'],
    ['a step that ends too late', workflow({ ...slow, deadline: '11m' }), 'slow the deadline 11m'],
    [
      'a workflow without an end',
      made('Workflow', { entry: 'slow', templates: [{ ...slow, deadline: undefined }] }),
      'entry slow',
    ],
    ['a workflow without its entry', made('Workflow', { entry: 'nope', templates: [slow] }), 'the entry nope'],
    [
      'a workflow that ends too late',
      made('Workflow', { entry: 'entry', templates: [{ ...entry, deadline: '2h' }, slow] }),
      'the entry entry the deadline 2h',
    ],
  ])('refuses %s', async (_what, template, message) => {
    const failure = await failureOf(having(template).start({ target: 'it' }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, errors: [{ path: 'input.target' }] })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test('refuses what a call asks for beyond it', async () => {
    const elsewhere = await failureOf(connected().start({ target: 'kill', project: 'chaos' }))
    expect(elsewhere).toMatchObject({ kind: 'refused', errors: [{ path: 'input.project' }] })
    const longer = await failureOf(connected().start({ target: 'latency', parameters: { duration: '10m1s' } }))
    expect(longer).toMatchObject({ kind: 'refused', errors: [{ path: 'input.parameters.duration' }] })
    expect(server.calls).toEqual([])
  })

  test('allows what lies within it', async () => {
    const spec = {
      ...{ ...latency.spec, duration: '1h29m59.5s' },
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

describe('a start whose answer was lost', () => {
  test.each(['latency', 'rollout'])('finds the object of %s by its name', async (target) => {
    server.loseNext('POST')
    expect(await failureOf(connected().start({ target }))).toMatchObject({ transient: true, afterWrite: true })
    const id = idOf(server.newest())
    await connected().start({ target }, { key: keyOf(2) })
    const { outcome } = await connected().start({ target }, { isRetry: true })
    expect(outcome.data).toMatchObject({ id })
    expect(server.state.objects).toHaveLength(2)
  })

  test('is made where it is not there', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(connected().start({ target: 'kill' }))
    await connected().start({ target: 'kill' }, { isRetry: true })
    expect(server.state.objects).toHaveLength(1)
  })

  test('says so where Chaos Mesh took it and shows nothing of it', async () => {
    server.failNext(200, 'null', { on: 'POST' })
    const failure = await failureOf(connected().start({ target: 'kill' }))
    expect(failure).toMatchObject({ transient: true })
    expect(failure.message).toContain('and does not show it')
  })
})

describe('a second delivery of an event', () => {
  test('finds the object, though it has ended', async () => {
    await connected().start({ target: 'kill' })
    server.newest().status = 'finished'
    const { outcome } = await connected().start({ target: 'kill' })
    expect(outcome.data).toMatchObject({ id: idOf(server.newest()) })
    expect(server.state.objects).toHaveLength(1)
  })

  test.each(['latency', 'rollout'])('does not begin %s again that was deleted', async (target) => {
    await connected().start({ target })
    const object = server.newest()
    server.remove(object)
    const { outcome } = await connected().start({ target })
    expect(outcome.data).toMatchObject({ id: idOf(object) })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('an experiment', () => {
  const begin = () => connected().start({ target: 'latency' })
  const look = (begun: Awaited<ReturnType<typeof begin>>) => connected().poll(begun, { target: 'latency' })
  const end = (begun: Awaited<ReturnType<typeof begin>>) => connected().end(begun, { target: 'latency' })
  const applied = (pod: string) => server.addEvent('Applied', `Successfully apply chaos for ${pod}`)

  // Every status that the contract names, and how it is seen when something was injected.
  test.each([
    ['injecting', undefined, undefined],
    ['running', undefined, undefined],
    ['finished', 'succeeded', 'pass'],
    ['paused', undefined, undefined],
    ['deleting', undefined, undefined],
  ])('that is %s is, or ends as %s, %s', async (state, status, result) => {
    const begun = await begin()
    applied('shop/checkout-1')
    server.newest().status = state
    const seen = await look(begun)
    expect(seen).toMatchObject(status ? { outcome: { status, result, data: { state } } } : { status: state })
  })

  test('with a status that is not known goes on', async () => {
    const begun = await begin()
    server.newest().status = 'sleeping'
    expect(await look(begun)).toMatchObject({ status: 'sleeping (unknown state)' })
  })

  test('that is finished tells what it injected, and where', async () => {
    const begun = await begin()
    for (const pod of ['shop/checkout-1', 'shop/checkout-2', 'shop/checkout-1']) applied(pod)
    server.addEvent('Recovered', 'Successfully recover chaos for shop/checkout-1')
    server.newest().status = 'finished'
    const { data, message, links } = await end(begun)
    expect(message).toBe(`Experiment ${idOf(server.newest())} ended as finished`)
    expect(data).toMatchObject({
      ...{ kind: 'NetworkChaos', namespace: 'shop', action: 'delay', mode: 'all', duration: 60 },
      ...{ namespaces: ['shop'], targets: ['shop/checkout-1', 'shop/checkout-2'] },
    })
    expect(Object.values(links)).toEqual([`${server.url}/#/experiments/${server.newest().uid}`])
    expect(calls('GET').at(-1)?.query.get('namespace')).toBe('shop')
  })

  test('is held against thresholds on how many it hit', async () => {
    const input = { target: 'latency', thresholds: [{ metric: 'targets', op: '>=', value: 2 }] }
    const begun = await connected().start(input)
    applied('shop/checkout-1')
    server.newest().status = 'finished'
    expect(await connected().end(begun, input)).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('targets is 1, not >= 2'),
    })
  })

  test('that is finished and has injected nothing could not run, and says why', async () => {
    const begun = await begin()
    server.addEvent('Failed', 'Failed to select targets: no pod is selected')
    server.newest().status = 'finished'
    expect(await end(begun)).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining('ended as finished/not-injected: Failed to select targets: no pod is selected'),
    })
  })

  test('of which no event tells anything does not pass, after a while', async () => {
    const begun = await begin()
    server.newest().status = 'finished'
    expect(await look(begun)).toMatchObject({ status: 'finished', progress: 'finished; what it did is not told yet' })
    server.newest().createdAt = new Date(Date.now() - 60_000).toISOString()
    expect(await end(begun)).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: expect.stringContaining('no event tells that anything was injected'),
    })
  })

  test('whose events the token may not see does not pass', async () => {
    const begun = await begin()
    applied('shop/checkout-1')
    server.newest().status = 'finished'
    server.state.mayListAll = false
    expect(await end(begun)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('the token may not see events'),
    })
  })

  test('that can not be injected goes on, and tells why', async () => {
    const begun = await begin()
    server.addEvent('Failed', 'Failed to apply chaos: rpc error')
    expect(await look(begun)).toMatchObject({
      status: 'injecting',
      progress: 'injecting: Failed to apply chaos: rpc error',
    })
    server.newest().failedMessage = 'no pod is selected'
    expect(await look(begun)).toMatchObject({ progress: 'injecting: no pod is selected' })
  })

  test('that somebody deletes is aborted when it was taken back', async () => {
    const begun = await begin()
    server.newest().status = 'deleting'
    expect(await look(begun)).toMatchObject({ status: 'deleting' })
    server.remove(server.newest())
    expect(await end(begun)).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: expect.stringContaining('ended as deleted'),
      data: { state: 'deleted', kind: 'NetworkChaos', namespace: 'shop' },
    })
  })

  test('that the dashboard has taken no note of yet, or any more, is refused and never an end', async () => {
    server.state.collects = false
    const begun = await begin()
    const failure = await failureOf(look(begun))
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('not found')
  })

  test('is looked at again where Chaos Mesh is down', async () => {
    const begun = await begin()
    server.failNext(500, '<html><title>500</title>')
    expect(await failureOf(look(begun))).toMatchObject({ transient: true })
    server.failNext(200, { status: 5 })
    expect(await failureOf(look(begun))).toMatchObject({ transient: true })
  })
})

describe('a workflow', () => {
  const target = 'rollout'
  const begin = () => connected().start({ target })
  const look = (begun: Awaited<ReturnType<typeof begin>>) => connected().poll(begun, { target })
  const end = (begun: Awaited<ReturnType<typeof begin>>) => connected().end(begun, { target })
  const node = (template: string, type: string, state = 'Running') => ({
    name: `${template}-x7k2p`,
    template,
    type,
    state,
  })

  // Every status that the contract names.
  test.each([
    ['running', undefined, undefined],
    ['finished', 'succeeded', 'pass'],
    ['failed', 'succeeded', 'fail'],
    ['unknown', undefined, undefined],
  ])('that is %s is, or ends as %s, %s', async (state, status, result) => {
    const begun = await begin()
    server.newest().status = state
    const seen = await look(begun)
    expect(seen).toMatchObject(status ? { outcome: { status, result, data: { state } } } : { status: state })
  })

  test('tells the steps that are under way', async () => {
    const begun = await begin()
    const running = [node('entry', 'SerialNode'), node('slow', 'ChaosNode'), node('healthy', 'StatusCheckNode')]
    Object.assign(server.newest(), { status: 'running', nodes: running })
    expect(await look(begun)).toMatchObject({ status: 'running', progress: 'slow; healthy' })
  })

  test('that is finished tells its steps and how long it took', async () => {
    const begun = await begin()
    const nodes = [node('slow', 'ChaosNode', 'Succeed'), node('healthy', 'StatusCheckNode', 'Succeed')]
    const times = {
      createdAt: '2026-11-02T10:00:00Z',
      endTime: '2026-11-02T10:01:30Z',
      finishTime: '0001-01-01T00:00:00Z',
    }
    Object.assign(server.newest(), { status: 'finished', nodes, ...times })
    expect((await end(begun)).data).toMatchObject({
      ...{ kind: 'Workflow', namespace: 'shop', duration: 90 },
      steps: ['slow: Succeed', 'healthy: Succeed'],
    })
  })

  test('that its status check aborted has failed, and says which', async () => {
    const begun = await begin()
    Object.assign(server.newest(), { status: 'finished' })
    server.newest().metadata.annotations = abort
    expect(await end(begun)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('its status check healthy failed, and aborted it'),
      data: { state: 'finished/check-failed' },
    })
  })

  test('that has no status check to abort it was aborted by somebody', async () => {
    const input = { target: 'it' }
    const unchecked = having(workflow(slow, { ...healthy, abortWithStatusCheck: false }))
    const begun = await unchecked.start(input)
    Object.assign(server.newest(), { status: 'finished' })
    server.newest().metadata.annotations = abort
    expect(await unchecked.end(begun, input)).toMatchObject({ status: 'aborted', data: { state: 'finished/aborted' } })
    server.newest().metadata.annotations = { ...abort, 'workflow.chaos-mesh.org/abort': 'false' }
    expect(await unchecked.end(begun, input)).toMatchObject({ result: 'pass' })
  })

  test('of a version that does not show whether it was aborted does not pass', async () => {
    const begun = await begin()
    server.newest().status = 'finished'
    server.state.old = true
    expect(await end(begun)).toMatchObject({
      result: 'warning',
      message: expect.stringContaining('does not show whether a status check has aborted it'),
    })
  })

  test('that the dashboard has taken no note of yet is refused and never an end', async () => {
    server.state.collects = false
    const begun = await begin()
    expect(await failureOf(look(begun))).toMatchObject({ kind: 'refused' })
  })
})

describe('stop-test', () => {
  test('ends an experiment by its id, and says when it was taken back', async () => {
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

  test('ends a workflow, and waits for what it injected', async () => {
    const begun = await connected({ allow: '*' }).start({ target: 'rollout' })
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
    expect(await connected().poll(begun, { target: 'rollout' })).toMatchObject({ outcome: { status: 'aborted' } })
  })

  test('ends at the deadline what still goes on', async () => {
    const input = { target: 'latency' }
    const begun = await connected().start(input)
    expect(await connected().stopAtDeadline(begun, input)).toBe(true)
    expect(await connected().stopAtDeadline(begun, input)).toBe(true)
    expect(server.state.objects).toEqual([])
  })

  test('passes for an experiment that has ended, and leaves it as it is', async () => {
    await connected().start({ target: 'kill' })
    server.addEvent('Applied', 'Successfully apply chaos for shop/checkout-1')
    server.newest().status = 'finished'
    const id = idOf(server.newest())
    expect(await connected().stop({ id })).toMatchObject({ message: `Experiment ${id} had ended already (finished)` })
    expect(server.state.objects).toHaveLength(1)
  })

  test('says why Chaos Mesh does not do it', async () => {
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
  ])('refuses the id %s', async (id) => {
    const failure = await failureOf(connected().stop({ id }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain('write it like PodChaos/shop/')
    expect(server.calls).toEqual([])
  })
})
