import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { describe, expect, jest, test } from '@jest/globals'
import { definePlatform } from '../../../infra/testing/define-platform.ts'
import { graphqlOperation } from '../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../infra/testing/page-of.ts'
import { basic, requireHeader } from '../../../infra/testing/require-header.ts'
import { startEach } from '../../functions/helpers.ts'

const server = startEach(
  definePlatform({
    base: '/api/v1',
    state: () => ({ visits: 0 }),
    headers: { server: 'acme' },
    refuses: requireHeader('authorization', basic('robot', 'secret'), { status: 401, body: 'Who are you?' }),
    routes: {
      'GET /me': () => ({ status: 'active' }),
      'GET /builds/{id}/steps/{step}': ({ params }) => ({ ...params }),
      'GET /builds/latest': () => ({ id: '8' }),
      'GET /builds/{id}.json': ({ params }) => ({ format: 'json', ...params }),
      'GET /builds/{id}': ({ params }) => (params.id === 'none' ? undefined : { ...params }),
      'POST /builds/{id}:cancel': ({ params }) => ({ status: 202, body: { canceled: params.id } }),
      'POST /builds': ({ body }) => ({ received: body }),
      'GET /code': () => ({ status: 7, name: 'a resource with a numeric status' }),
      'DELETE /visits': ({ state }) => {
        state.visits++
        return { status: 204 }
      },
    },
    notFound: ({ path }) => ({ status: 404, body: { message: `no ${path}` } }),
    members: (state, { calls }) => ({ visit: () => ++state.visits, requests: () => calls.length }),
  }),
)

const send = async (line: string, init: RequestInit = {}) => {
  const [method = '', path = ''] = line.split(' ')
  const headers = { authorization: basic('robot', 'secret') }
  const response = await fetch(`${server.url}${path}`, { method, headers, ...init })
  return { status: response.status, body: await response.text(), server: response.headers.get('server') }
}

describe('definePlatform', () => {
  test.each([
    ['GET /api/v1/me', 200, '{"status":"active"}'],
    ['GET /api/v1/builds/7', 200, '{"id":"7"}'],
    ['GET /api/v1/builds/a%2Fb%20c', 200, '{"id":"a/b c"}'],
    ['GET /api/v1/builds/7.json', 200, '{"format":"json","id":"7"}'],
    ['GET /api/v1/builds/latest', 200, '{"id":"8"}'],
    ['GET /api/v1/builds/7/steps/2', 200, '{"id":"7","step":"2"}'],
    ['POST /api/v1/builds/7:cancel', 202, '{"canceled":"7"}'],
    ['POST /api/v1/builds', 200, '{"received":{}}'],
    ['GET /api/v1/code', 200, '{"status":7,"name":"a resource with a numeric status"}'],
    ['DELETE /api/v1/visits', 204, ''],
    ['POST /api/v1/builds/:cancel', 404, '{"message":"no /api/v1/builds/:cancel"}'],
    ['GET /api/v1/builds/none', 404, '{"message":"no /api/v1/builds/none"}'],
    ['GET /api/v1/builds/7/steps', 404, '{"message":"no /api/v1/builds/7/steps"}'],
    ['PUT /api/v1/me', 404, '{"message":"no /api/v1/me"}'],
    ['GET /me', 404, '{"message":"no /me"}'],
  ])('%s has the status %i and the body %s', async (line, status, body) => {
    expect(await send(line)).toEqual({ status, body, server: 'acme' })
  })

  test('a request without valid credentials is refused before its path matters', async () => {
    const unauthorized = { status: 401, body: 'Who are you?', server: 'acme' }
    expect(await send('GET /api/v1/me', { headers: {} })).toEqual(unauthorized)
    expect(await send('GET /nowhere', { headers: { authorization: basic('robot', 'guess') } })).toEqual(unauthorized)
  })

  test('each server has a state of its own, which its members share', async () => {
    expect(server.visit()).toBe(1)
    await send('DELETE /api/v1/visits')
    expect(server.state.visits).toBe(2)
    expect(server.requests()).toBe(1)
  })

  test('the operation of a request can be another part of it, and its result gets an envelope', async () => {
    const start = definePlatform({
      state: (name: string) => ({ name }),
      operation: graphqlOperation,
      envelope: (result, operation) => ({ data: { [operation]: result } }),
      routes: {
        'query viewer': ({ state }) => ({ name: state.name }),
        'mutation rename': ({ body }) => ({ status: 200, body: body.variables }),
      },
    })
    const graphql = await start('Mia')
    const ask = async (query: string) => {
      const body = JSON.stringify({ query, variables: { name: 'Ann' } })
      const response = await fetch(graphql.url, { method: 'POST', body })
      return [response.status, await response.text()]
    }
    expect(await ask('{ viewer { name } }')).toEqual([200, '{"data":{"query viewer":{"name":"Mia"}}}'])
    expect(await ask('mutation rename($name: String!) { rename(name: $name) }')).toEqual([200, '{"name":"Ann"}'])
    expect(await ask('query rename { rename }')).toEqual([404, ''])
    await graphql.close()
  })
})

test('pageOf returns a page and the position of the next one, which the last page lacks', () => {
  expect(pageOf(['a', 'b', 'c'], undefined, 2)).toEqual({ page: ['a', 'b'], next: '2' })
  expect(pageOf(['a', 'b', 'c'], '2', 2)).toEqual({ page: ['c'] })
  expect(pageOf(['a', 'b'], null, 2)).toEqual({ page: ['a', 'b'] })
})

test('the example of definePlatform prints what its comment says', async () => {
  const testing = join(import.meta.dirname, '../../../infra/testing')
  const source = readFileSync(join(testing, 'define-platform.ts'), 'utf8')
  const [, comment = ''] = /@example\n([\s\S]*?) \*\/\nexport function definePlatform/.exec(source) ?? []
  const code = comment.replace(/^ \* ?/gm, '').replace('cloud-automation-webhooks/testing', './testing.ts')
  const [, printed] = /console\.log\(.*\) \/\/ (.*)/.exec(code) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-example-'))
  const modules = ['define-platform', 'loopback-server', 'require-header']
  writeFileSync(
    join(folder, 'testing.ts'),
    modules.map((name) => `export * from ${JSON.stringify(join(testing, `${name}.ts`))}\n`).join(''),
  )
  writeFileSync(join(folder, 'example.ts'), code)
  const log = jest.spyOn(console, 'log').mockImplementation(() => {})
  await import(pathToFileURL(join(folder, 'example.ts')).href)
  expect(log.mock.calls.map(([value]) => inspect(value))).toEqual([printed])
  log.mockRestore()
  rmSync(folder, { recursive: true })
})
