import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type JiraServer, startJira } from '../servers/jira.ts'
import { type RedmineServer, startRedmine } from '../servers/redmine.ts'
import { Service, triggered } from './service.ts'

let jira: JiraServer
let redmine: RedmineServer
let service: Service
beforeAll(async () => {
  jira = await startJira()
  redmine = await startRedmine()
  const connection = 'cloud-automation-webhooks/connections/issue-ticketing'
  service = new Service({
    timeScale: 60,
    secrets: {
      [`${connection}/jira`]: {
        provider: 'jira',
        baseUrl: jira.url,
        email: jira.email,
        token: jira.token,
        project: 'OPS',
      },
      [`${connection}/redmine`]: { provider: 'redmine', baseUrl: redmine.url, token: redmine.token, project: 'ops' },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await jira.close()
  await redmine.close()
})

const servers = () => ({ github: undefined, jira, redmine })
const connections = { github: 'default', jira: 'jira', redmine: 'redmine' }

describe.each(['github', 'jira', 'redmine'] as const)('%s, through the shipped bundles', (provider) => {
  const query = `?connection=${connections[provider]}`
  const act = (action: string, input: unknown, more = '') =>
    service.call(`/v1/issue-ticketing/${action}${query}${more}`, triggered({ input }))

  it('opens, updates and closes with the same neutral input, each by the id that open answered', async () => {
    const opened = await act('open-issue', {
      title: 'Checkout is slow',
      description: 'p95 is **3 s**',
      labels: 'shop,urgent',
      priority: 'high',
    })
    expect(opened).toMatchObject({
      status: 200,
      body: {
        result: 'pass',
        data: { id: expect.any(String), number: expect.any(String), url: expect.stringContaining('http') },
      },
    })
    const { id, number, url } = opened.body.data
    expect(opened.body.links).toEqual({ [`${provider} ${number}`]: url })
    expect(
      await act('update-issue', {
        id,
        title: 'Checkout is very slow',
        comment: 'Now 5 s',
        labels: ['sev1'],
        priority: 'critical',
      }),
    ).toMatchObject({ status: 200, body: { data: { id } } })
    const closed = await act('close-issue', { id, comment: 'Rolled back' })
    expect(closed).toMatchObject({
      status: 200,
      body: { result: 'pass', message: expect.stringMatching(/^Closed issue/) },
    })
    expect(await act('close-issue', { id })).toMatchObject({
      status: 200,
      body: { message: expect.stringContaining('was closed already') },
    })
  })

  it('answers an interactive call with one finished that carries id, number and URL', async () => {
    const event = triggered({ input: { title: 'Followed' } })
    expect((await service.openIssue(event, `${query}&mode=interactive&sendStarted=true`)).status).toBe(202)
    const { started, finished } = await service.finishedOf(event.id)
    expect([started, finished.length]).toEqual([1, 1])
    const { openticket, labels } = finished[0]
    expect(labels).toEqual({ [`${provider} ${openticket.number}`]: openticket.url })
  })

  it('shows what it would send on a dry run, and sends nothing', async () => {
    const before = servers()[provider]?.calls.filter(({ method }) => method !== 'GET').length
    const { status, body } = await act('open-issue', { title: 'Dry' }, '&dryRun=true')
    expect([status, body.data.request.method]).toEqual([200, 'POST'])
    expect(JSON.stringify(body)).not.toContain(servers()[provider]?.token ?? 'sandbox-github-token')
    expect(servers()[provider]?.calls.filter(({ method }) => method !== 'GET').length).toBe(before)
  })

  it('is refused an issue that does not exist, with its own words', async () => {
    const id = { github: 'demo/shop#424242', jira: 'OPS-424242', redmine: '424242' }[provider]
    expect(await act('close-issue', { id })).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(/answered 404/) },
    })
  })

  it('is told a wrong id or project before anything is accepted', async () => {
    expect(await act('update-issue', { id: 'no such thing', comment: 'x' }, '&mode=interactive')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('write it like') },
    })
    expect(await act('open-issue', { title: 'x', project: '../admin' }, '&mode=interactive')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('write it like') },
    })
  })
})

describe.each(['jira', 'redmine'] as const)('%s', (provider) => {
  it('that loses its answer after it made the issue is found to have made it', async () => {
    const server = { jira, redmine }[provider]
    const before = server.state.issues.length
    server.loseNext('POST')
    const event = triggered({ input: { title: 'Lost answer' } })
    await service.openIssue(event, `?connection=${provider}&mode=interactive`)
    const { finished } = await service.finishedOf(event.id)
    expect([finished.length, finished[0].result, server.state.issues.length - before]).toEqual([1, 'pass', 1])
  })

  it('whose answers have another shape than they should is asked again, and then told as a fault of the platform', async () => {
    const server = { jira, redmine }[provider]
    server.failNext(200, { strange: true }, { times: 50 })
    const event = triggered({ input: { title: 'Strange' } })
    await service.openIssue(event, `?connection=${provider}&mode=interactive&deadline=PT2S`)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([
      { status: 'errored', message: expect.stringMatching(/something else than expected.*deadline of 2 s/) },
    ])
  })
})
