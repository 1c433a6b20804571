import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import type { Played, TicketPlatform } from '../conformance/platform.ts'
import { ticketPlatforms } from './platforms.ts'
import { Service, triggered } from './service.ts'

const played: Record<string, Played> = {}
let service: Service
beforeAll(async () => {
  for (const [target, { start }] of Object.entries(ticketPlatforms)) played[target] = await start()
  const secrets = Object.entries(played).map(([target, { connection }]) => {
    const [category, provider] = target.split('/')
    return [`cloud-automation-webhooks/connections/${category}/${provider}`, { provider, ...connection }]
  })
  service = new Service({ timeScale: 60, secrets: Object.fromEntries(secrets) })
  await service.start()
})
afterAll(async () => {
  await service.end()
  for (const { server } of Object.values(played)) await server.close()
})

/** The platform that the sandbox plays is there without a server of its own. */
const platforms: Record<string, TicketPlatform> = {
  'issue-ticketing/github': {
    start: () => Promise.reject(new Error('The sandbox plays it.')),
    unknownId: 'demo/shop#424242',
    wrongId: 'no such thing',
    open: { labels: 'shop,urgent', priority: 'high' },
    update: { comment: 'Now 5 s', labels: ['sev1'], priority: 'critical' },
    close: { comment: 'Rolled back' },
  },
  ...ticketPlatforms,
}

describe.each(Object.entries(platforms))('%s, through the shipped bundles', (target, platform) => {
  const [category = '', provider = ''] = target.split('/')
  const noun = category === 'issue-ticketing' ? 'issue' : 'ticket'
  const query = `?connection=${played[target] || provider !== 'github' ? provider : 'default'}`
  const act = (verb: string, event: object, more = '') =>
    service.call(`/v1/${category}/${verb}-${noun}${query}${more}`, event)
  const silently = (verb: string, input: object, more = '') => act(verb, triggered({ input }), more)
  const interactively = async (verb: string, input: object) => {
    const event = triggered({ input })
    expect((await act(verb, event, '&mode=interactive&sendStarted=true')).status).toBe(202)
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    return finished[0]
  }
  const made = () => played[target]?.made?.() ?? service.issues().then((issues) => issues.length)
  const closed = platform.blind ? /accepted the close/ : /^Closed \w+ /

  it('opens, updates and closes silently with the same input for every platform', async () => {
    const opened = await silently('open', {
      title: 'Checkout is slow',
      description: 'p95 is **3 s**',
      ...platform.open,
    })
    expect(opened).toMatchObject({
      status: 200,
      body: { result: 'pass', data: { id: expect.any(String), number: expect.any(String) } },
    })
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
    const again = await silently('close', { id })
    expect(again.status).toBe(200)
    if (!platform.blind) expect(again.body.message).toContain('was closed already')
  })

  it('opens, updates and closes interactively, and sends the state as read back', async () => {
    const { openticket, labels } = await interactively('open', { title: 'Interactive', ...platform.open })
    const { id, number, url } = openticket
    expect([id, number]).toEqual([expect.any(String), expect.any(String)])
    if (!platform.blind) expect(Object.entries(labels)).toEqual([[expect.stringContaining(number), url]])
    expect(await interactively('update', { id, title: 'Followed on', ...platform.update })).toMatchObject({
      result: 'pass',
      openticket: { id, state: expect.any(String) },
    })
    expect(await interactively('close', { id, ...platform.close })).toMatchObject({
      result: 'pass',
      message: expect.stringMatching(closed),
      openticket: { id, state: expect.any(String) },
    })
  })

  it('opens one ticket for a repeated event, silently and interactively', async () => {
    const before = await made()
    const silent = triggered({ input: { title: 'Twice' } })
    const [first, second] = [await act('open', silent), await act('open', silent)]
    expect([first.status, second.body.data.id]).toEqual([200, first.body.data.id])
    const event = triggered({ input: { title: 'Twice, followed' } })
    const answers = [await act('open', event, '&mode=interactive'), await act('open', event, '&mode=interactive')]
    expect(answers.map(({ body }) => body.duplicate)).toEqual([false, true])
    expect((await service.finishedOf(event.id)).finished).toHaveLength(1)
    expect((await made()) - before).toBe(2)
  })

  it('uses title, description and link of the problem in the event', async () => {
    const incident = { ProblemTitle: 'Response time is up', ProblemURL: 'https://monitoring.example.com/P-1' }
    const event = triggered({ input: {} })
    const { status, body } = await act('open', { ...event, data: { ...event.data, incident } }, '&dryRun=true')
    expect([status, body.result]).toEqual([200, 'pass'])
    expect(JSON.stringify(body.data.request.body)).toMatch(/Response time is up/)
    expect(JSON.stringify(body.data.request.body)).toMatch(/monitoring\.example\.com\/P-1/)
  })

  it("uses title, description and link of Dynatrace's problem notification", async () => {
    const dynatraceProblem = {
      ...{ State: 'OPEN', ProblemID: 'P-7', PID: '-7', ProblemTitle: 'Failure rate is up', Tags: 'shop' },
      ...{ ProblemURL: 'https://monitoring.example.com/P-7', ProblemDetails: 'Since 14:03', ImpactedEntities: [] },
    }
    const event = triggered({ input: {} })
    const { body } = await act('open', { ...event, data: { ...event.data, dynatraceProblem } }, '&dryRun=true')
    const sent = JSON.stringify(body.data.request.body)
    expect(sent).toMatch(/Failure rate is up/)
    expect(sent).toMatch(/Since 14:03/)
    expect(sent).toMatch(/monitoring\.example\.com\/P-7/)
  })

  it('returns the request in a dry run and sends nothing', async () => {
    const before = await made()
    const { status, body } = await silently('open', { title: 'Dry' }, '&dryRun=true')
    expect([status, body.message]).toEqual([200, expect.stringContaining('nothing was sent')])
    for (const secret of secretsOf(target)) expect(JSON.stringify(body)).not.toContain(secret)
    expect(await made()).toBe(before)
  })

  it("reports the platform's reason for a ticket that does not exist", async () => {
    if (platform.unknownId === undefined) return expect(platform.blind).toBe(true)
    expect(await silently('close', { id: platform.unknownId })).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(/answered (404|400|\w+Exception)|has no /) },
    })
  })

  it('rejects an invalid id before it accepts the call', async () => {
    expect(await silently('update', { id: platform.wrongId, title: 'x' }, '&mode=interactive')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('input.id must be ') },
    })
  })
})

describe.each(Object.keys(ticketPlatforms))('%s', (target) => {
  const [category = '', provider = ''] = target.split('/')
  const open = (event: object, more = '') =>
    service.call(
      `/v1/${category}/open-${category === 'issue-ticketing' ? 'issue' : 'ticket'}?connection=${provider}&mode=interactive${more}`,
      event,
    )

  it('finds the ticket whose response was lost', async () => {
    const { server, made } = played[target] as Required<Played>
    const before = made()
    server.loseNext(writes(target))
    const event = triggered({ input: { title: 'Lost answer' } })
    await open(event)
    const { finished } = await service.finishedOf(event.id)
    expect([finished.length, finished[0].result, made() - before]).toEqual([1, 'pass', 1])
  })

  it('is retried after unexpected responses until it accepts a write', async () => {
    played[target]?.server.failNext(200, { strange: true }, { times: Number.POSITIVE_INFINITY })
    const event = triggered({ input: { title: 'Strange' } })
    await open(event, '&deadline=PT4S')
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      {
        status: 'errored',
        message: expect.stringMatching(
          /(?:an unexpected response|could not be reached|did not respond within \d+ s).*(?:deadline of 4 s|may have created something)/s,
        ),
      },
    ])
  })
})

/** The request that creates a ticket. */
function writes(target: string): string {
  return target === 'incident-management/aws-opscenter' ? 'CreateOpsItem' : 'POST'
}

function secretsOf(target: string): string[] {
  const { token, password } = (played[target]?.connection ?? { token: demo.githubToken }) as Record<string, string>
  return [token, password].filter((value) => value !== undefined)
}
