import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { fetchPublished } from '../../../shared/sources/published.ts'
import { listen } from '../../listen.ts'

let server: Server
let origin: string
let requests: string[]
let status: number

beforeEach(async () => {
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
  requests = []
  status = 200
  server = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.writeHead(status, { 'content-type': 'text/plain' }).end(`text ${requests.length}`)
  })
  origin = `http://127.0.0.1:${await listen(server)}`
})

afterEach(async () => {
  jest.useRealTimers()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const pass = (seconds: number) => jest.setSystemTime(Date.now() + seconds * 1_000)

test('a published text is fetched once, also for requests at the same time', async () => {
  const texts = await Promise.all([fetchPublished(`${origin}/keys.pem`), fetchPublished(`${origin}/keys.pem`)])
  expect(texts).toEqual(['text 1', 'text 1'])
  expect(await fetchPublished(`${origin}/keys.pem`)).toBe('text 1')
  expect(requests).toEqual(['/keys.pem'])
})

test('a published text is fetched again after an hour, or after a minute if it must be fresh', async () => {
  const url = `${origin}/keys`
  await fetchPublished(url)
  pass(59)
  expect(await fetchPublished(url, true)).toBe('text 1')
  pass(2)
  expect(await fetchPublished(url)).toBe('text 1')
  expect(await fetchPublished(url, true)).toBe('text 2')
  pass(3_601)
  expect(await fetchPublished(url)).toBe('text 3')
})

test('a failure is cached for 30 seconds', async () => {
  status = 500
  const failure = { kind: 'unavailable', retryAfter: 30, message: expect.stringContaining(`${origin}/keys`) }
  await expect(fetchPublished(`${origin}/keys`)).rejects.toMatchObject(failure)
  status = 200
  pass(29)
  await expect(fetchPublished(`${origin}/keys`)).rejects.toMatchObject(failure)
  pass(2)
  expect(await fetchPublished(`${origin}/keys`)).toBe('text 2')
})

test('a failure to fetch a text again leaves the previous one valid until its hour is over', async () => {
  const url = `${origin}/keys`
  await fetchPublished(url)
  status = 500
  pass(61)
  await expect(fetchPublished(url, true)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(await fetchPublished(url)).toBe('text 1')
  pass(3_540)
  await expect(fetchPublished(url)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('many URLs do not fill the memory', async () => {
  for (let index = 0; index < 21; index++) await fetchPublished(`${origin}/${index}.pem`)
  await fetchPublished(`${origin}/20.pem`)
  expect(requests).toHaveLength(21)
  await fetchPublished(`${origin}/0.pem`)
  expect(requests).toHaveLength(22)
})
