import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Operation, readContract } from '../../infra/openapi/contract.ts'
import { Checker } from './check.ts'
import { comparer } from './compare.ts'

const fixtures = join(import.meta.dirname, '../fixtures/contract')
const parcels = JSON.parse(readFileSync(join(fixtures, 'parcels.openapi.json'), 'utf8'))
const compare = comparer(parcels, { contract: 'parcels', tests: [], under: '/gateway' })
const base = '/gateway/parcels/v2'
const headers = { 'x-key': 'k', 'x-tenant': 'acme', 'content-type': 'application/json' }
const shipment = { to: 'Mia', weight: 2 }

interface Given {
  body?: unknown
  headers?: Record<string, string>
  status?: number
  response?: unknown
  isInjected?: boolean
}

/** Returns the comparison of a request, and of a response if there is one. */
function compared(method: string, url: string, { body, status = 200, response, ...more }: Given = {}) {
  const [path = '', query = ''] = url.split('?')
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
  return compare({ method, path, query, headers, body: text, status, response, isInjected: true, ...more })
}

/** Returns the violations in a request. */
function violationsOf(method: string, path: string, given?: Given) {
  return compared(method, `${base}${path}`, given).violations
}

const posted = (body: unknown, given: Record<string, string> = headers) =>
  violationsOf('POST', '/shipments', { body, headers: given })
const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name))

describe('Contract validator: a valid request', () => {
  test('has the name of its operation', () => {
    const expected = { operation: 'POST /shipments', violations: [] }
    expect(compared('POST', `${base}/shipments`, { body: shipment })).toEqual(expected)
  })

  test('can contain null, free objects, recursive schemas and alternatives', () => {
    const more = { note: null, sent: '2026-11-24T15:01:48Z', details: { any: 1 }, by: { kind: 'truck', wheels: 6 } }
    expect(posted({ ...shipment, ...more, parts: [shipment] })).toEqual([])
    // Both alternatives have a kind. The discriminator selects one, not the number of matches.
    expect(posted({ ...shipment, by: { kind: 'bike' } })).toEqual([])
  })

  test('can have valid parameters', () => {
    expect(violationsOf('GET', '/shipments?state=sent&limit=100&tags=a,2')).toEqual([])
    expect(violationsOf('GET', '/shipments/7')).toEqual([])
    expect(violationsOf('GET', '/shipments/latest')).toEqual([])
  })

  test('can have any of the credentials', () => {
    const authorization = `Basic ${Buffer.from('mia:secret').toString('base64')}`
    expect(violationsOf('GET', '/shipments', { headers: { authorization } })).toEqual([])
  })
})

describe('Contract validator: rejects', () => {
  const onlyJson = 'the content type is text/plain, but the contract requires application/json'
  const missing = 'the credentials are missing: the contract requires Authorization: basic, or the header X-Key'

  test.each<[call: string, violations: string[]]>([
    ['PUT /shipments/7', ['the contract has no PUT for this path, only GET, DELETE']],
    ['GET /crates', [`the path is not in the contract: ${base}/crates`]],
    ['POST /shipments', ['the body is missing']],
    ['DELETE /shipments/7 {}', ['the contract allows no body']],
    ['GET /shipments?sate=sent', ['the query parameter sate is not in the contract']],
    ['GET /shipments?limit=all', ['the query parameter limit must be integer']],
    ['GET /shipments?limit=101', ['the query parameter limit must be <= 100']],
    ['GET /shipments?state=lost', ['the query parameter state must be one of sent, delivered']],
    ['GET /shipments/seven', ['the path parameter id must be integer']],
    ['POST /shipments {"to":', ['the body is not JSON']],
  ])('%s', (call, violations) => {
    const [method = '', path = '', body] = call.split(' ')
    expect(violationsOf(method, path, { body })).toEqual(violations)
  })

  test.each<[body: object, violations: string[]]>([
    [{ to: undefined }, ['body lacks to']],
    [{ parts: [{ to: 'Noah' }] }, ['body.parts[0] lacks weight']],
    [{ to: 7, weight: '2' }, ['body.to must be string', 'body.weight must be number']],
    [{ weight: 0 }, ['body.weight must be > 0']],
    [{ sent: 'today' }, ['body.sent must match format "date-time"']],
    [{ to: null }, ['body.to must be string']],
    [{ wieght: 2 }, ['body.wieght is not in the contract']],
    [{ id: 7 }, ['body.id is read-only']],
  ])('a body with %j', (body, violations) => {
    expect(posted({ ...shipment, ...body })).toEqual(violations)
  })

  test.each<[what: string, headers: Record<string, string>, violations: string[]]>([
    ['another content type', { ...headers, 'content-type': 'text/plain' }, [onlyJson]],
    ['a required header missing', without('x-tenant'), ['the header parameter X-Tenant is missing']],
    ['no credentials, even if the contract allows anonymous requests', without('x-key'), [missing]],
    ['other credentials', { ...without('x-key'), authorization: 'Bearer t' }, [missing]],
  ])('%s', (_what, given, violations) => {
    expect(posted(shipment, given)).toEqual(violations)
  })

  test('a path without its prefix', () => {
    const violations = ['the path is not in the contract: /shipments']
    expect(compared('GET', '/shipments')).toEqual({ operation: undefined, violations })
  })
})

describe('Contract validator: a response of a fake platform', () => {
  const listed = (response: unknown, status = 200, isInjected = false) =>
    violationsOf('GET', '/shipments', { response, status, isInjected })

  test.each<[what: string, response: unknown]>([
    ['an example of the contract', [{ id: 7, ...shipment }]],
    ['a part of an object', [{ id: 8 }]],
    ['an empty property', [{ id: 8, to: null }]],
    ['a text that is not JSON', '<html></html>'],
  ])('can be %s', (_what, response) => {
    expect(listed(response)).toEqual([])
  })

  test.each<[what: string, response: unknown, violation: string]>([
    ['another property', [{ id: 7, colour: 'red' }], 'answer 200[0].colour is not in the contract'],
    ['another type', [{ id: '7' }], 'answer 200[0].id must be integer,null'],
    ['another type, as text', '[{"id":"7"}]', 'answer 200[0].id must be integer,null'],
  ])('cannot have %s', (_what, response, violation) => {
    expect(listed(response)).toEqual([violation])
  })

  test('has a status of the contract, unless it is an error or the test chose it', () => {
    expect(listed([], 206)).toEqual(['the contract has no response 206'])
    expect(listed([], 418)).toEqual([])
    expect(listed([{ colour: 'red' }], 206, true)).toEqual([])
  })

  test('that refuses an invalid request is compared without the request', () => {
    const refusal = { status: 404, response: { message: 7 }, isInjected: false }
    expect(compared('GET', `${base}/crates`, refusal)).toEqual({ operation: undefined, violations: [] })
    expect(violationsOf('GET', '/shipments?limit=all', refusal)).toEqual(['answer 404.message must be string,null'])
  })

  test('can have violations that are known', () => {
    const known = /^GET \/shipments: .*colour is not/
    const lenient = comparer(parcels, { contract: 'parcels', tests: [], under: '/gateway', known })
    const exchange = { method: 'GET', path: `${base}/shipments`, query: '', headers, body: '', status: 200 }
    const violationsIn = (response: object) => lenient({ ...exchange, response, isInjected: false }).violations
    expect(violationsIn([{ colour: 'red' }])).toEqual([])
    expect(violationsIn([{ size: 'xl' }])).toEqual(['answer 200[0].size is not in the contract'])
  })
})

describe('Contract validator: other versions', () => {
  const first = (operations: Operation[]) => {
    const [operation] = operations
    if (!operation) throw new Error('There is no operation')
    return operation
  }
  const request = (body: unknown, more = {}) => ({
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    body: JSON.stringify(body),
    headers: { 'x-token': 't', 'content-type': 'application/json' },
    ...more,
  })

  test('2.0: base path, body parameter, consumed media types, API keys', () => {
    const contract = readContract({
      swagger: '2.0',
      basePath: '/v1',
      consumes: ['application/cloudevents+json', 'application/json'],
      security: [{ key: [] }],
      securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'x-token' } },
      paths: {
        '/event': {
          post: {
            parameters: [
              { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/event' } },
              { name: 'size', in: 'query', type: 'integer' },
            ],
            responses: { 200: { description: 'ok', examples: { 'application/json': { id: 1 } } } },
          },
        },
      },
      definitions: { event: { type: 'object', required: ['type'], properties: { type: { type: 'string' } } } },
    })
    const operation = first(contract.operations)
    const checker = new Checker(contract)
    expect(operation).toMatchObject({
      path: '/v1/event',
      responses: [{ status: 200, examples: { default: { id: 1 } } }],
    })
    expect(checker.request(operation, request({ type: 'a' }), {})).toEqual([])
    const wrong = request({}, { headers: { 'content-type': 'application/json' }, query: new URLSearchParams('size=x') })
    expect(checker.request(operation, wrong, {})).toEqual([
      'the credentials are missing: the contract requires the header x-token',
      'the query parameter size must be integer',
      'body lacks type',
    ])
  })

  test('3.1: JSON Schema without changes', () => {
    const schema = {
      type: 'object',
      properties: {
        at: { type: ['string', 'null'] },
        share: { type: 'number', exclusiveMaximum: 1 },
        kind: { const: 'a' },
      },
    }
    const contract = readContract({
      openapi: '3.1.0',
      servers: [{ url: '/api' }],
      paths: { '/x': { post: { requestBody: { content: { 'application/json': { schema } } }, responses: {} } } },
    })
    const operation = first(contract.operations)
    const checker = new Checker(contract)
    expect(operation.path).toBe('/api/x')
    expect(checker.request(operation, request({ at: null, share: 0.5, kind: 'a' }), {})).toEqual([])
    expect(checker.request(operation, request({ share: 1, kind: 'b' }), {})).toEqual([
      'body.share must be < 1',
      'body.kind must be equal to constant',
    ])
  })

  test('a header selects one of the operations of a path', () => {
    const operation = (property: string) => ({
      requestBody: { content: { 'application/json': { schema: { type: 'object', required: [property] } } } },
      responses: { 200: { description: 'ok' } },
    })
    const paths = { '/#X-Target=A.One': { post: operation('one') }, '/#X-Target=A.Two': { post: operation('two') } }
    const compareTarget = comparer({ openapi: '3.0.3', paths }, { contract: 'targets', tests: [] })
    const request = { method: 'POST', path: '/', query: '', body: '{"two":2}', status: 200, response: '' }
    const found = ['A.One', 'A.Two', 'A.Three'].map((target) =>
      compareTarget({ ...request, headers: { ...headers, 'x-target': target }, isInjected: true }),
    )
    expect(found).toEqual([
      { operation: 'POST /#X-Target=A.One', violations: ['body lacks one'] },
      { operation: 'POST /#X-Target=A.Two', violations: [] },
      { operation: undefined, violations: ['the path is not in the contract: /'] },
    ])
  })

  test('reports a reference to a missing schema', () => {
    const paths = { '/x': { get: { parameters: [{ $ref: '#/components/parameters/none' }], responses: {} } } }
    expect(() => readContract({ openapi: '3.0.3', paths })).toThrow('Undefined reference #/components/parameters/none')
  })
})

describe('npm run test:contracts', () => {
  const run = (folder: string) => {
    const script = join(import.meta.dirname, 'run.ts')
    const env = { ...process.env, WEBHOOKS_CONTRACTS: folder }
    const { status, stdout } = spawnSync(process.execPath, ['--no-warnings', script], { env, encoding: 'utf8' })
    return { status, stdout }
  }

  test('reports a skip if the folder has no contracts', () => {
    const { status, stdout } = run(join(fixtures, 'nowhere'))
    expect(status).toBe(0)
    expect(stdout).toMatch(/^skipped: .+\n$/)
  })

  test('fails if the contract of a provider is missing', () => {
    const { status, stdout } = run(fixtures)
    expect(status).toBe(1)
    expect(stdout).toContain('FAILED  github.openapi.json is missing in the folder')
  })
})
