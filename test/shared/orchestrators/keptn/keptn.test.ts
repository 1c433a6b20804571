import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../../../infra/platforms/loopback-server.ts'
import { keptn, keptnConnection } from '../../../../shared/orchestrators/keptn/keptn.ts'
import type { Answer, AnsweredTask } from '../../../../shared/orchestrators/orchestrator.ts'
import { passed } from '../../../../shared/outcome.ts'
import { orchestratorConformance } from '../../../conformance/orchestrator.ts'

const task: AnsweredTask = {
  id: '5f0c',
  caller: 'demo',
  category: 'issue-ticketing',
  action: 'open-issue',
  event: { id: 'id-1', task: 'openticket', context: 'c', project: 'p', stage: 's', service: 'x', labels: {} },
  labels: true,
}
const source = 'cloud-automation-webhooks/issue-ticketing'
const started: Answer = { kind: 'started' }
const finished: Answer = { kind: 'finished', outcome: passed('Opened issue 1') }

let server: Server
let calls: string[]
/** The responses to each GET and to each POST. */
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

describe('An event', () => {
  it('is sent without a check on the first attempt', async () => {
    await orchestrator().send(task, started, 0)
    expect(calls).toEqual([post])
  })

  it('that an earlier attempt may have sent is sent only if Keptn has not recorded it', async () => {
    readBack = [200, { events: [{ triggeredid: 'another', source }] }]
    await orchestrator().send(task, started, 1)
    expect(calls).toEqual([get, post])
    readBack = [200, { events: [{ triggeredid: 'id-1', source }] }]
    await orchestrator().send(task, started, 1)
    expect(calls).toEqual([get, post, get])
  })

  it('is sent if Keptn returns null instead of a list', async () => {
    readBack = [200, { events: null }]
    await orchestrator().send(task, started, 1)
    expect(calls).toEqual([get, post])
  })

  it('of another sender does not count as recorded', async () => {
    readBack = [200, { events: [{ triggeredid: 'id-1', source: 'webhook-service' }] }]
    await orchestrator().send(task, started, 1)
    expect(calls).toEqual([get, post])
  })

  it('is not sent while Keptn is not available', async () => {
    for (const answer of [
      [500, {}],
      [200, { strange: true }],
      [401, {}],
    ] as [number, unknown][]) {
      readBack = answer
      await expect(orchestrator().send(task, started, 1)).rejects.toThrow()
    }
    expect(calls).toEqual([get, get, get])
  })

  it('is not sent during the first refusals to read it back', async () => {
    for (const status of [400, 403, 404]) {
      readBack = [status, {}]
      for (const answer of [started, finished]) {
        for (const attempts of [1, 4])
          await expect(orchestrator().send(task, answer, attempts)).rejects.toThrow(`Keptn answered ${status}`)
      }
    }
    expect(calls).toEqual(Array(12).fill(get))
  })

  it('is sent after five 403 responses if it is finished, but not if it is started', async () => {
    readBack = [403, {}]
    await orchestrator().send(task, started, 5)
    expect(calls).toEqual([get])
    await orchestrator().send(task, finished, 5)
    expect(calls).toEqual([get, get, post])
  })

  it('is sent after many other refusals if it is finished, while a started event is retried', async () => {
    readBack = [400, {}]
    await expect(orchestrator().send(task, started, 100)).rejects.toThrow('Keptn answered 400')
    expect(calls).toEqual([get])
    await expect(orchestrator().send(task, finished, 19)).rejects.toThrow('Keptn answered 400')
    await orchestrator().send(task, finished, 20)
    expect(calls).toEqual([get, get, get, post])
  })

  it('does not count as sent if the response is not that of Keptn', async () => {
    posted = [200, '<html>Log in</html>']
    await expect(orchestrator().send(task, started, 0)).rejects.toMatchObject({ kind: 'platform' })
  })
})

it('A connection has either a token or an OAuth client', () => {
  const base = { type: 'keptn', baseUrl: 'https://k' }
  const oauth = { tokenUrl: 'https://sso', clientId: 'c', clientSecret: 'secret-1' }
  expect(keptnConnection.safeParse(base).success).toBe(false)
  expect(keptnConnection.safeParse({ ...base, token: 'token-1', oauth }).success).toBe(false)
  expect(keptnConnection.safeParse({ ...base, oauth }).success).toBe(true)
})

const KINDS = { started: 'started', 'status.changed': 'progress', finished: 'finished' } as const

orchestratorConformance('keptn', {
  body: {
    id: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
    type: 'sh.keptn.event.deployment.triggered',
    shkeptncontext: '08735340-6f9e-4b32-97ff-3b6c292bc509',
    data: { project: 'shop', stage: 'production', service: 'checkout' },
  },
  required: ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service'],
  sends: ['started', 'progress', 'finished'],
  async start() {
    const token = 'a-token-of-keptn'
    const recorded: Record<string, unknown>[] = []
    const server = await serve(({ method, body }) => {
      if (method === 'GET') return { status: 200, body: { events: recorded } }
      recorded.push(body as Record<string, unknown>)
      return { status: 200, body: { keptnContext: 'c' } }
    })
    return {
      server,
      settings: { baseUrl: server.url, token },
      secrets: [token],
      reset: () => void recorded.splice(0),
      kindOf({ method, body }) {
        const [, , , , ...kind] = method === 'POST' ? String((body as { type?: string }).type).split('.') : []
        return KINDS[kind.join('.') as keyof typeof KINDS]
      },
      // Keptn does not recognize a repeated event.
      identityOf: (call) => String(server.calls.indexOf(call)),
    }
  },
})
