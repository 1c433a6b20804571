import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { waitForAll } from '../wait-for-all.ts'
import { type Answer, Service, triggered } from './service.ts'

const marked = {
  github: 'MARKED-github-token/+="quoted"',
  keptn: 'MARKED-keptn-token',
  oauthSecret: 'MARKED-oauth-secret',
  oauthToken: 'MARKED-oauth-access-token',
  caller: 'MARKED-caller-token',
}

/** Platforms that echo each request in errors and responses. */
let echo: Served
const received: string[] = []

function startEcho(): Promise<Served> {
  let posts = 0
  return serve(({ method, path, headers, text }) => {
    const echoed = JSON.stringify({ headers, body: text })
    received.push(`${method} ${path} ${echoed}`)
    if (path.includes('/token')) return ok({ access_token: marked.oauthToken, expires_in: 300, note: echoed })
    if (path.includes('mongodb-datastore')) return ok({ events: [] })
    if (path.includes('/api/v1/event'))
      return ++posts % 2 === 1 ? { status: 500, body: { message: `no: ${echoed}` } } : ok({ keptnContext: echoed })
    if (path.includes('/repos/refusing/')) {
      const errors = [{ message: headers.authorization }]
      return { status: 422, body: { message: `refused: ${echoed}`, errors } }
    }
    if (path.includes('/repos/down/')) return { status: 503, body: { message: `down: ${echoed}` } }
    if (method === 'GET' && path.endsWith('/issues')) return ok([])
    const url = { html_url: `https://x/${marked.github}` }
    return { status: 201, body: { number: 7, ...url, state: `open ${headers.authorization}`, body: echoed } }
  })
}

let service: Service
const answers: Answer[] = []
/** The tokens of callers that each send stored credentials. After some such calls they would be refused. */
const guessers = Array.from({ length: 6 }, (_, index) => `${marked.caller}-guesser-${index}`)
const prefix = 'cloud-automation-webhooks'

beforeAll(async () => {
  echo = await startEcho()
  const { url } = echo
  service = new Service({
    timeScale: 60,
    webhookTimeout: 6,
    secrets: {
      [`${prefix}/callers`]: {
        one: { tokens: [tokenHash(marked.caller)], categories: ['*'], orchestrator: 'token' },
        other: { tokens: [tokenHash(`${marked.caller}2`)], categories: ['*'], orchestrator: 'oauth' },
        ...Object.fromEntries(
          guessers.map((token, index) => [
            `guesser-${index}`,
            { tokens: [tokenHash(token)], categories: ['*'], orchestrator: 'token' },
          ]),
        ),
      },
      [`${prefix}/orchestrators/token`]: { type: 'keptn', baseUrl: url, token: marked.keptn },
      [`${prefix}/orchestrators/oauth`]: {
        type: 'keptn',
        baseUrl: url,
        oauth: { tokenUrl: `${url}/sso/token`, clientId: 'client', clientSecret: marked.oauthSecret },
      },
      [`${prefix}/connections/issue-ticketing/default`]: {
        provider: 'github',
        baseUrl: url,
        token: marked.github,
        project: 'fine/repo',
      },
      [`${prefix}/connections/issue-ticketing/half`]: {
        provider: 'github',
        baseUrl: url,
        token: marked.github,
        unknown: marked.github,
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await echo.close()
})

it('No secret value appears in a log line, response, event or state file, even if platforms echo it', async () => {
  const call = async (query: string, input: unknown, token = marked.caller, more = {}) => {
    const event = triggered({ input, ...more })
    answers.push(await service.openIssue(event, query, { token }))
  }
  const interactive = '?mode=interactive&sendStarted=true&deadline=PT2S'
  await waitForAll(
    ['fine/repo', 'refusing/repo', 'down/repo'].flatMap((project) => [
      call('', { title: 'T', project }),
      call(interactive, { title: 'T', project }),
      call(interactive, { title: 'T', project }, `${marked.caller}2`),
      call('?dryRun=true', { title: 'T', project }),
    ]),
  )
  await call('?connection=half', { title: 'T' })
  // A caller may put a secret anywhere: into an input, an unknown name, an id, a label.
  for (const [index, mode] of ['?dryRun=true', '', '?mode=interactive&sendStarted=true'].entries()) {
    const [token = '', other = ''] = guessers.slice(index * 2)
    const refused = (...paths: string[]) =>
      expect(answers.at(-1)).toMatchObject({
        status: 400,
        body: {
          errors: paths.map((path) => ({ path, message: expect.stringContaining('contains a stored credential') })),
        },
      })
    await call(mode, { title: `A secret: ${marked.github}`, fields: { x: token } }, token)
    refused('input.title', 'input.fields.x')
    await call(mode, { title: 'T' }, token, { id: `id-${token}-${mode}` })
    refused('id')
    await call(mode, { title: 'T' }, token, {
      data: { project: 'p', stage: 's', service: 'x', labels: { token: marked.github } },
    })
    refused('data.labels.token')
    if (!mode.includes('interactive')) continue
    await call(mode, { [marked.github]: 'a name' }, other)
    refused('input')
    await call(mode, { title: 'T', description: `Of Keptn: ${marked.keptn}` }, other)
    refused('input.description')
  }
  await call('', { title: 'T' }, `${marked.caller}-wrong`)
  await call(`?token=${marked.caller}`, { title: 'T' })
  await service.ended()
  for (const { body } of answers.filter(({ status }) => status === 202)) {
    answers.push(
      await service.call(new URL(body.statusUrl).pathname, undefined, { method: 'GET', token: marked.caller }),
    )
  }
  // The platforms received their credentials and echoed them.
  expect(received.join('\n')).toContain('MARKED-oauth-access-token')
  expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 202, 401, 422, 502, 503]))
  const heard = JSON.stringify(answers.map(({ body }) => body))
  expect(heard).toContain('***')

  const events = received
    .filter((line) => line.startsWith('POST /api/v1/event'))
    .map((line) => JSON.parse(line.replace(/^\S+ \S+ /, '')).body)
  const files = readdirSync(service.state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  expect(events.length).toBeGreaterThan(6)
  expect(files.length).toBeGreaterThan(2)
  const places = { answers: heard, log: service.output, events: events.join('\n'), state: files.join('\n') }
  for (const [place, text] of Object.entries(places))
    expect({ place, found: leaks(text) }).toEqual({ place, found: [] })
})

/** Each secret in each encoding in which it could appear. */
function leaks(text: string): string[] {
  return Object.values(marked).flatMap((value) => {
    const forms = [
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      Buffer.from(value).toString('base64'),
      value.slice(0, 18),
    ]
    return forms.filter((form) => text.includes(form))
  })
}
