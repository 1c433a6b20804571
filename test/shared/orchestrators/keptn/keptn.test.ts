import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { keptn, keptnConnection } from '../../../../shared/orchestrators/keptn/keptn.ts'
import { startedReply } from '../../../../shared/orchestrators/keptn/reply.ts'

const event = {
  id: 'id-1',
  task: 'openticket',
  context: 'c',
  project: 'p',
  stage: 's',
  service: 'x',
  labels: {},
}
const started = startedReply(event, 'issue-ticketing')
const finished = { ...started, type: 'sh.keptn.event.openticket.finished' }

let server: Server
let calls: string[]
/** What is answered to each GET, and to each POST. */
let readBack: [number, unknown]
let posted: [number, unknown]

beforeEach(async () => {
  calls = []
  posted = [200, { keptnContext: 'c' }]
  server = createServer((req, res) => {
    calls.push(`${req.method} ${req.url?.split('?')[0]} ${req.headers['x-token']}`)
    req.resume()
    const [status, body] = req.method === 'GET' ? readBack : posted
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const orchestrator = () =>
  keptn(
    keptnConnection.parse({
      type: 'keptn',
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`,
      token: 'keptn-token',
    }),
  )
const get = 'GET /base/api/mongodb-datastore/event keptn-token'
const post = 'POST /base/api/v1/event keptn-token'

describe('an event', () => {
  it('is sent at once the first time', async () => {
    await orchestrator().send(started, 0)
    expect(calls).toEqual([post])
  })

  it('that an earlier try may have sent is read back, and sent only if Keptn does not have it', async () => {
    readBack = [200, { events: [{ triggeredid: 'another', source: started.source }] }]
    await orchestrator().send(started, 1)
    expect(calls).toEqual([get, post])
    readBack = [200, { events: [{ triggeredid: 'id-1', source: started.source }] }]
    await orchestrator().send(started, 1)
    expect(calls).toEqual([get, post, get])
  })

  it('of which Keptn has none, and answers null, is sent', async () => {
    readBack = [200, { events: null }]
    await orchestrator().send(started, 1)
    expect(calls).toEqual([get, post])
  })

  it('of the same trigger, but sent by another, does not count as ours', async () => {
    readBack = [200, { events: [{ triggeredid: 'id-1', source: 'webhook-service' }] }]
    await orchestrator().send(started, 1)
    expect(calls).toEqual([get, post])
  })

  it('is not sent while Keptn can not be asked', async () => {
    for (const answer of [
      [500, {}],
      [200, { strange: true }],
      [401, {}],
    ] as [number, unknown][]) {
      readBack = answer
      await expect(orchestrator().send(started, 1)).rejects.toThrow()
    }
    expect(calls).toEqual([get, get, get])
  })

  it('is not sent while reading it back is refused, which may go away', async () => {
    for (const status of [400, 403, 404]) {
      readBack = [status, {}]
      for (const event of [started, finished]) {
        for (const inDoubt of [1, 4])
          await expect(orchestrator().send(event, inDoubt)).rejects.toThrow(`Keptn answered ${status}`)
      }
    }
    expect(calls).toEqual(Array(12).fill(get))
  })

  it('where the token may not read, as the fifth 403 says: a started is not sent twice, a finished is', async () => {
    readBack = [403, {}]
    await orchestrator().send(started, 5)
    expect(calls).toEqual([get])
    await orchestrator().send(finished, 5)
    expect(calls).toEqual([get, get, post])
  })

  it('that is refused for another reason again and again: a started is neither sent nor taken for sent, a finished is sent', async () => {
    readBack = [400, {}]
    await expect(orchestrator().send(started, 100)).rejects.toThrow('Keptn answered 400')
    expect(calls).toEqual([get])
    await expect(orchestrator().send(finished, 19)).rejects.toThrow('Keptn answered 400')
    await orchestrator().send(finished, 20)
    expect(calls).toEqual([get, get, get, post])
  })

  it('that Keptn answers with something else than its own answer is not taken as sent', async () => {
    posted = [200, '<html>Log in</html>']
    await expect(orchestrator().send(started, 0)).rejects.toMatchObject({ kind: 'platform' })
  })
})

it('a connection has a token or an OAuth client, not both and not neither', () => {
  const base = { type: 'keptn', baseUrl: 'https://k' }
  const oauth = { tokenUrl: 'https://sso', clientId: 'c', clientSecret: 'secret-1' }
  expect(keptnConnection.safeParse(base).success).toBe(false)
  expect(keptnConnection.safeParse({ ...base, token: 'token-1', oauth }).success).toBe(false)
  expect(keptnConnection.safeParse({ ...base, oauth }).success).toBe(true)
})
