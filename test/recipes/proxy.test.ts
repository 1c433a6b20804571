import { createServer } from 'node:http'
import { afterAll, expect, test } from '@jest/globals'
import { listen } from '../listen.ts'
import { startProxy } from '../real/proxy.ts'

const received: string[] = []
const server = createServer((request, response) => {
  received.push(`${request.method} ${request.url}`)
  response.writeHead(302, { 'set-cookie': ['session=anonymous', 'session=robot'], location: '/' }).end('moved')
})
const proxy = await startProxy(`http://127.0.0.1:${await listen(server)}`)
afterAll(async () => {
  await proxy.close()
  server.close()
})

test('a proxy returns the response of the server with each of its cookies', async () => {
  const response = await fetch(`${proxy.url}/a%2Fb?c=d+e`, { redirect: 'manual' })
  expect([response.status, await response.text()]).toEqual([302, 'moved'])
  expect(response.headers.getSetCookie()).toEqual(['session=anonymous', 'session=robot'])
  expect(received).toEqual(['GET /a%2Fb?c=d+e'])
  expect(proxy.calls).toMatchObject([{ method: 'GET', path: '/a/b' }])
})

test('the server has received a request whose response is lost', async () => {
  proxy.loseNext('POST')
  await expect(fetch(proxy.url, { method: 'POST' })).rejects.toThrow('fetch failed')
  expect(received.at(-1)).toBe('POST /')
})
