import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { pipeTo, webhooks } from './webhooks.ts'

jest.unstable_mockModule('../../../shared/sleep.ts', () => ({ sleep: async () => undefined }))

/** Accepts each call and answers each poll with the next status. */
let receiver: Server
let url: string
let called: string[]
let polls: ((res: ServerResponse) => void)[]
beforeAll(async () => {
  receiver = createServer((req, res) => {
    called.push(`${req.method} ${req.url}`)
    if (req.method === 'POST') return json(202, { taskId: 't', statusUrl: `${url}/v1/k8s-jobs/tasks/t` })(res)
    return (polls.shift() ?? json(200, finished))(res)
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
  polls = []
})

const json = (status: number, body: object) => (res: ServerResponse) =>
  void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
const finished = { state: 'finished', outcome: { status: 'succeeded', result: 'pass' } }
const unreachable: typeof polls = [
  json(200, { state: 'running' }),
  json(503, { title: 'Unavailable' }),
  (res) => void res.destroy(),
  (res) => void res.writeHead(502).end('<h1>Bad Gateway</h1>'),
  json(429, { message: 'Too Many Requests' }),
  json(200, { state: 'running' }),
]

const send = () => webhooks(`send k8s-jobs/run-2 --mode interactive --url ${url}`)

describe('webhooks send', () => {
  it('keeps polling a task whose status cannot be read', async () => {
    polls = [...unreachable]
    const { code, out, err } = await send()
    expect([code, JSON.parse(out.slice(out.lastIndexOf('\n{')))]).toEqual([0, finished])
    expect(err.match(/Cannot read the status of the task/g)).toHaveLength(1)
    expect(called[0]).toMatch(/^POST \/v1\/k8s-jobs\/run-2\?/)
    expect(called).toHaveLength(1 + unreachable.length + 1)
  })

  it('prints the progress of a task when it changes', async () => {
    const waiting = (progress: string) => json(200, { state: 'running', progress })
    const first = 'Waiting for the next attempt at 12:03:10 UTC: connect ECONNREFUSED'
    const second = 'Waiting for the next attempt at 12:04:10 UTC: connect ECONNREFUSED'
    polls = [waiting(''), waiting(first), waiting(first), waiting(second)]
    expect((await send()).out.match(/^Waiting for the next.*$/gm)).toEqual([first, second])
  })

  it('exits with 1 if the task no longer exists', async () => {
    polls = [json(404, { title: 'Unknown' })]
    expect(await send()).toMatchObject({ code: 1 })
  })
})

it('webhooks tasks --follow keeps polling a task whose status cannot be read', async () => {
  polls = [...unreachable]
  const { code, out } = await webhooks(`tasks k8s-jobs/t --follow --url ${url}`)
  expect([code, JSON.parse(out)]).toEqual([0, finished])
})

it('a command prints no error if the reader of its output exits', async () => {
  polls = [json(200, { state: 'running' }), json(200, { state: 'running' })]
  const args = ['send', 'k8s-jobs/run', '--mode', 'interactive', '--url', url]
  expect(await pipeTo('head -c 8', args)).toMatchObject({ out: 'HTTP 202', err: '' })
})
