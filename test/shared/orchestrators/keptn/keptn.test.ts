import { expect, it } from '@jest/globals'
import { serve } from '../../../../infra/testing/loopback-server.ts'
import type { Answer } from '../../../../shared/orchestrators/orchestrator.ts'
import { passed } from '../../../../shared/outcome.ts'
import { orchestratorConformance } from '../../../conformance/orchestrator.ts'

const KINDS = { started: 'started', 'status.changed': 'progress', finished: 'finished' } as const

const { server, send } = orchestratorConformance('keptn', {
  body: {
    id: 'id-1',
    type: 'sh.keptn.event.deployment.triggered',
    shkeptncontext: '08735340-6f9e-4b32-97ff-3b6c292bc509',
    data: { project: 'shop', stage: 'production', service: 'checkout' },
  },
  required: ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service'],
  sends: ['started', 'progress', 'finished'],
  invalidSettings: [
    { settings: { token: undefined }, problem: 'must have' },
    { settings: { oauth: { tokenUrl: 'https://sso', clientId: 'c', clientSecret: 'secret-1' } }, problem: 'must have' },
  ],
  async start() {
    const token = 'keptn-token'
    const recorded: Record<string, unknown>[] = []
    const server = await serve(({ method, path, body }) => {
      if (path.endsWith('/auth')) return { status: 200 }
      if (method === 'GET') return { status: 200, body: { events: recorded } }
      recorded.push(body as Record<string, unknown>)
      return { status: 200, body: { keptnContext: 'c' } }
    })
    return {
      server,
      settings: { baseUrl: `${server.url}/base`, token },
      secrets: [token],
      reset: () => void recorded.splice(0),
      kindOf({ method, body }) {
        const { type = '' } = (body ?? {}) as { type?: string }
        const [, , , , ...kind] = method === 'POST' ? type.split('.') : []
        return KINDS[kind.join('.') as keyof typeof KINDS]
      },
      // Keptn does not recognize a repeated event.
      identityOf: (call) => String(server.calls.indexOf(call)),
    }
  },
})

const source = 'cloud-automation-webhooks/load-testing'
const started: Answer = { kind: 'started' }
const finished: Answer = { kind: 'finished', outcome: passed('Opened issue 1') }
const events = (...recorded: object[]) => ({ events: recorded })
/** Sends an answer that earlier attempts may have sent, to a Keptn that responds so if it is read back. */
const sendAgain = (answer: Answer, attempts: number, ...readBack: [status: number, body?: unknown]) => {
  server.failNext(readBack[0], readBack[1] ?? {}, { on: 'GET' })
  return send(answer, attempts)
}
const calls = () => server.calls.map(({ method, path, headers }) => `${method} ${path} ${headers['x-token']}`)
const get = 'GET /base/api/mongodb-datastore/event keptn-token'
const post = 'POST /base/api/v1/event keptn-token'

it('An event is sent without a check on the first attempt', async () => {
  await sendAgain(started, 0, 500)
  expect(calls()).toEqual([post])
})

it.each<[string, Answer, number, number, unknown?]>([
  ['has recorded the event of another task', started, 1, 200, events({ triggeredid: 'another', source })],
  ['has recorded the event of another sender', started, 1, 200, events({ triggeredid: 'id-1', source: 'another' })],
  ['returns null instead of a list', started, 1, 200, { events: null }],
  ['answers 403 to the fifth attempt of a finished event', finished, 5, 403],
  ['answers 400 to the twentieth attempt of a finished event', finished, 20, 400],
])('An event is sent again if Keptn %s', async (_what, ...sending) => {
  await sendAgain(...sending)
  expect(calls()).toEqual([get, post])
})

it.each<[string, Answer, number, number, unknown?]>([
  ['has recorded it', started, 1, 200, events({ triggeredid: 'id-1', source })],
  ['answers 403 to the fifth attempt of a started event', started, 5, 403],
])('An event is not sent again if Keptn %s', async (_what, ...sending) => {
  await sendAgain(...sending)
  expect(calls()).toEqual([get])
})

it.each<[number, number, Answer, unknown?]>([
  [1, 500, started],
  [1, 401, started],
  [1, 200, started, { strange: true }],
  ...[400, 403, 404].flatMap((status) =>
    [started, finished].flatMap((answer) =>
      [1, 4].map((attempts): [number, number, Answer] => [attempts, status, answer]),
    ),
  ),
  [100, 400, started],
  [19, 400, finished],
])('An event waits for its next attempt if attempt %d to read it back ends with %d: %j', async (...row) => {
  const [attempts, status, answer, body] = row
  await expect(sendAgain(answer, attempts, status, body)).rejects.toThrow('Keptn')
  expect(calls()).toEqual([get])
})

it('An event does not count as sent if the response is not that of Keptn', async () => {
  server.failNext(200, '<html>Log in</html>', { on: 'POST' })
  await expect(sendAgain(started, 0, 200)).rejects.toMatchObject({ kind: 'platform' })
})
