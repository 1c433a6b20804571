import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { Played, TicketPlatform } from '../conformance/platform.ts'
import { issueInputs } from '../conformance/row.ts'
import { rowsOf } from '../conformance/rows.ts'
import { waitForAll } from '../wait-for-all.ts'
import { awsCredentials, Service, triggered } from './service.ts'

// The servers that simulate AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

/**
 * A platform for each way to find a ticket again. `test/conformance` calls the others, and `test/infra/build/bundles.test.ts` loads
 * all of them.
 */
const lost: [finds: string, target: string, request: string][] = [
  ['searches', 'issue-ticketing/jira', 'POST'],
  ['deduplicates', 'incident-management/pagerduty-events', 'POST'],
  ['is a service of AWS', 'incident-management/aws-opscenter', 'CreateOpsItem'],
]
const rows = Object.fromEntries(
  Object.entries(rowsOf('ticketRow')).filter(([target]) => lost.some(([, one]) => one === target)),
)

const played: Record<string, Played> = {}
for (const [target, { start }] of Object.entries(rows)) played[target] = await start()
const secrets = Object.entries(played).map(([target, { connection }]) => {
  const [category, provider] = target.split('/')
  return [`cloud-automation-webhooks/connections/${category}/${provider}`, { provider, ...connection }]
})
const service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
await service.start()
afterAll(async () => {
  await service.end()
  for (const { server } of Object.values(played)) await server.close()
})

/** The platform that the sandbox simulates needs no server of its own. */
const platforms: Record<string, TicketPlatform> = {
  'issue-ticketing/github': {
    start: () => Promise.reject(new Error('The sandbox simulates it.')),
    unknownId: 'demo/shop#424242',
    ...issueInputs,
  },
  ...rows,
}

const dynatraceProblem = {
  State: 'OPEN',
  ProblemID: 'P-7',
  PID: '-7',
  ProblemTitle: 'Failure rate is up',
  Tags: 'shop',
  ProblemURL: 'https://monitoring.example.com/P-7',
  ProblemDetails: 'Since 14:03',
  ImpactedEntities: [],
}

function act(target: string, verb: string, event: object, query = '') {
  const [category = '', provider = ''] = target.split('/')
  const noun = category === 'issue-ticketing' ? 'issue' : 'ticket'
  const connection = played[target] ? provider : 'default'
  return service.call(`/v1/${category}/${verb}-${noun}?connection=${connection}${query}`, event)
}

/** Makes an interactive call twice, and returns the data of its result. */
async function interactively(target: string, verb: string, input: object, query = '') {
  const event = triggered({ input })
  const send = () => act(target, verb, event, `&mode=interactive&sendStarted=true${query}`)
  expect([await send(), await send()]).toMatchObject([
    { status: 202, body: { duplicate: false } },
    { status: 202, body: { duplicate: true } },
  ])
  const { started, finished } = await service.finishedOf(event.id)
  expect([started, finished.length]).toEqual([1, 1])
  return finished[0]
}

const made = async (target: string) => played[target]?.made?.() ?? (await service.issues()).length

/** The results of interactive calls, by platform, and how many tickets they opened. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any result.
const interactive: Record<string, any> = {}
beforeAll(async () => {
  const playOne = async ([target, platform]: [string, TicketPlatform]) => {
    const before = await made(target)
    const opened = await interactively(target, 'open', { title: 'Interactive', ...platform.open })
    const closing = await interactively(target, 'close', { id: opened.openticket.id, ...platform.close })
    interactive[target] = { opened, closing, count: (await made(target)) - before }
  }
  await waitForAll(Object.entries(platforms).map(playOne))
})

describe.each(Object.entries(platforms))('%s, through the shipped bundles', (target, platform) => {
  const silently = (verb: string, input: object, data: object = {}, query = '') => {
    const event = triggered({ input })
    return act(target, verb, { ...event, data: { ...event.data, ...data } }, query)
  }
  const closed = platform.blind ? /accepted the close/ : /^Closed \w+ /

  it('opens, updates and closes silently with the same input, and opens with the problem in the event', async () => {
    const dry = await silently('open', {}, { dynatraceProblem }, '&dryRun=true')
    expect(dry).toMatchObject({ status: 200, body: { message: expect.stringContaining('nothing was sent') } })
    const request = JSON.stringify(dry.body.data.request)
    for (const text of ['Failure rate is up', 'Since 14:03', 'monitoring.example.com/P-7'])
      expect(request).toContain(text)
    for (const secret of secretsOf(target)) expect(request).not.toContain(secret)
    const before = await made(target)
    const opened = await silently('open', {
      title: 'Checkout is slow',
      description: 'p95 is **3 s**',
      ...platform.open,
    })
    expect(opened).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { id: expect.any(String), number: expect.any(String) } },
    })
    expect((await made(target)) - before).toBe(1)
    const { id, number, url } = opened.body.data
    if (platform.blind) expect(url).toBeUndefined()
    else expect(Object.entries(opened.body.links)).toEqual([[expect.stringContaining(number), url]])
    expect(await silently('update', { id, title: 'Checkout is very slow', ...platform.update })).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { id } },
    })
    expect(await silently('close', { id, ...platform.close })).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringMatching(closed), data: { id, state: expect.any(String) } },
    })
  })

  it('opens and closes interactively once for a repeated event, and sends the state as read back', () => {
    const { opened, closing, count } = interactive[target] ?? {}
    const { id, number, url } = opened.openticket
    expect([id, number]).toEqual([expect.any(String), expect.any(String)])
    if (!platform.blind) expect(Object.entries(opened.labels)).toEqual([[expect.stringContaining(number), url]])
    const message = expect.stringMatching(closed)
    expect(closing).toMatchObject({ result: 'pass', message, openticket: { id, state: expect.any(String) } })
    expect(count).toBe(1)
  })

  it('rejects an invalid id before it accepts the call', async () => {
    expect(await silently('update', { id: platform.wrongId, title: 'x' }, {}, '&mode=interactive')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('input.id must be ') },
    })
  })
})

it.each(lost)(
  'A platform that %s: the ticket whose response was lost is opened once',
  async (_how, target, request) => {
    const { server } = played[target] as Played
    const before = await made(target)
    server.loseNext(request)
    expect(await interactively(target, 'open', { title: 'Lost answer' })).toMatchObject({ result: 'pass' })
    expect((await made(target)) - before).toBe(1)
  },
)

function secretsOf(target: string): string[] {
  const { token, password } = (played[target]?.connection ?? { token: demo.githubToken }) as Record<string, string>
  return [token, password].filter((value) => value !== undefined)
}
