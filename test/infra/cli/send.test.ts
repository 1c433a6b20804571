import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { inShell, webhooks } from './webhooks.ts'

/** A receiver that accepts each call, and answers what a look at its task finds, one after the other. */
let receiver: Server
let url: string
let called: string[]
let looks: ((res: ServerResponse) => void)[]
beforeAll(async () => {
  receiver = createServer((req, res) => {
    called.push(`${req.method} ${req.url}`)
    if (req.method === 'POST') return json(202, { taskId: 't', statusUrl: `${url}/v1/k8s-jobs/tasks/t` })(res)
    return (looks.shift() ?? json(200, finished))(res)
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
})
afterAll(() => {
  receiver.close()
  receiver.closeAllConnections()
})
beforeEach(() => {
  called = []
  looks = []
})

const json = (status: number, body: object) => (res: ServerResponse) =>
  void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const finished = { state: 'finished', outcome: { status: 'succeeded', result: 'pass' } }
const away: typeof looks = [
  json(200, { state: 'running' }),
  json(503, { title: 'Unavailable' }),
  (res) => void res.destroy(),
  (res) => void res.writeHead(502).end('<h1>Bad Gateway</h1>'),
  json(429, { message: 'Too Many Requests' }),
  json(200, { state: 'running' }),
]

describe('webhooks send', () => {
  it('waits for the end of a task that was accepted, whatever becomes of a look at it', async () => {
    looks = [...away]
    const { code, out, err } = await webhooks(['send', 'k8s-jobs/run-2', '--mode', 'interactive', '--url', url])
    expect(JSON.parse(out.slice(out.lastIndexOf('\n{')))).toEqual(finished)
    expect(err.match(/can not be read just now/g)).toHaveLength(1)
    expect(code).toBe(0)
    expect(called[0]).toMatch(/^POST \/v1\/k8s-jobs\/run-2\?/)
    expect(called).toHaveLength(1 + away.length + 1)
  })

  it('says what the task waits for, once for each thing', async () => {
    const waiting = (progress: string) => json(200, { state: 'running', progress })
    const first = 'Waiting for the next attempt at 12:03:10 UTC: connect ECONNREFUSED'
    const second = 'Waiting for the next attempt at 12:04:10 UTC: connect ECONNREFUSED'
    looks = [waiting(''), waiting(first), waiting(first), waiting(second)]
    const { out } = await webhooks(['send', 'k8s-jobs/run', '--mode', 'interactive', '--url', url])
    expect(out.match(/^Waiting for the next.*$/gm)).toEqual([first, second])
  })

  it('ends with 1 where there is no such task any more', async () => {
    looks = [json(404, { title: 'Unknown' })]
    const { code } = await webhooks(['send', 'k8s-jobs/run', '--mode', 'interactive', '--url', url])
    expect(code).toBe(1)
  })
})

describe('webhooks tasks --follow', () => {
  it('waits for the end of a task in the same way', async () => {
    looks = [...away]
    const { code, out } = await webhooks(['tasks', 'k8s-jobs/t', '--follow', '--url', url])
    expect({ code, told: JSON.parse(out) }).toEqual({ code: 0, told: finished })
  })

  it('says at once where nothing answers', async () => {
    const { code, err } = await webhooks(['tasks', 'k8s-jobs/t', '--follow', '--url', 'http://127.0.0.1:9'])
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('Nothing answers at') })
  })
})

it('a command whose reader has seen enough says nothing of that', async () => {
  looks = [json(200, { state: 'running' }), json(200, { state: 'running' })]
  const { out, err } = await inShell(`webhooks send k8s-jobs/run --mode interactive --url ${url} | head -c 8`)
  expect({ out, err }).toEqual({ out: 'HTTP 202', err: '' })
})
