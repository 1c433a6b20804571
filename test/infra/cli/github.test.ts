import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { redeliverHandler } from '../../../shared/orchestrators/github/redeliver.ts'
import { redactDeep } from '../../../shared/redact.ts'
import { startGithubApp } from '../../platforms/github/app-server.ts'
import '../../functions/aws.ts'
import { withLogLines } from '../../log-lines.ts'
import { aws } from './aws.ts'
import { atTerminal, enter, type Keys, webhooks } from './webhooks.ts'

const url = 'https://webhooks.example.org/v1'
const github = await startGithubApp()
afterAll(() => github.close())
beforeEach(() => {
  github.reset()
  aws.reset()
  aws.store('orchestrators/github', { type: 'github', ...github.settings })
})

const run = (line: string, stdin = '') => webhooks(line, { env: aws.env, stdin })
const manifest = `github manifest gate --url ${url} --action load-testing/start-test`

describe('webhooks github manifest', () => {
  it.each([
    ['deployment', { actions: 'read', deployments: 'write' }, ['deployment_protection_rule']],
    ['check', { checks: 'write' }, ['check_run', 'check_suite']],
  ])('prints the manifest of an App for a %s', async (report, permissions, events) => {
    const { code, out } = await run(`${manifest} --report ${report} --connection k6 --deadline PT1H --print`)
    const query = '?orchestrator=gate&connection=k6&deadline=PT1H&sendStarted=true&progress=true'
    const hook_attributes = { url: `${url}/load-testing/start-test${query}`, active: true }
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        name: 'webhooks-gate',
        url,
        public: false,
        hook_attributes,
        default_permissions: permissions,
        default_events: events,
      },
    ])
  })

  describe('with a page on this machine', () => {
    const pem = github.settings.privateKey
    const settings = "--input '{target: environment}' --repositories acme/shop acme/cart"
    let site: Served
    const created = { client_id: 'Iv23liExample', name: 'Gate', owner: { login: 'Acme' }, pem }
    beforeEach(async () => {
      const app = { ...created, html_url: 'https://github.com/apps/gate', webhook_secret: 'w'.repeat(40) }
      site = await serve(({ method, path }) =>
        method === 'POST' && path === '/api/v3/app-manifests/a-code/conversions'
          ? { status: 201, body: app }
          : { status: 404 },
      )
    })
    afterEach(() => site.close())

    /** Creates the App, as the browser does. */
    async function create(screen: string): Promise<string> {
      const [page = ''] = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{22}\/(?=\s)/.exec(screen) ?? []
      const html = await (await fetch(page)).text()
      const [, state = ''] = /settings\/apps\/new\?state=([\w-]+)"/.exec(html) ?? []
      expect(html).toContain(`&quot;redirect_url&quot;:&quot;${page}created&quot;`)
      // Another user of this machine knows the port only.
      const { origin } = new URL(page)
      for (const path of ['/', `/created?code=another-code&state=${state}`, '/guessed/'])
        expect([path, (await fetch(`${origin}${path}`)).status]).toEqual([path, 404])
      expect((await fetch(`${page}created?code=another-code&state=guessed`)).status).toBe(404)
      expect((await fetch(`${page}created?code=a-code&state=${state}`)).status).toBe(200)
      return ''
    }
    const at = (options: string, typed: Keys) =>
      atTerminal(`${manifest} --site ${site.url} ${options}`, [['Open this page', create], ...typed], { env: aws.env })
    const question = 'GitHub created the App "Gate" of Acme (https://github.com/apps/gate). Save it?'

    it('asks, and then saves the App that GitHub created and a caller for its action', async () => {
      const { code, out } = await at(`--organization acme --connection k6 ${settings}`, [[question, 'y']])
      expect([code, out]).toEqual([0, expect.stringContaining('https://github.com/apps/gate/installations/new')])
      expect(out).not.toContain('PRIVATE KEY')
      expect(aws.stored('orchestrators/gate')).toEqual({
        type: 'github',
        baseUrl: `${site.url}/api/v3`,
        appId: 'Iv23liExample',
        privateKey: pem,
        webhookSecret: 'w'.repeat(40),
        caller: 'gate',
        report: 'deployment',
        input: '{target: environment}',
        repositories: ['acme/shop', 'acme/cart'],
      })
      const limits = { allow: ['load-testing/start-test'], allowConnections: { 'load-testing': ['k6'] } }
      expect(aws.stored('callers')).toEqual({
        gate: { tokens: [], categories: ['load-testing'], ...limits, orchestrator: 'gate' },
      })
    })

    it('saves it with --yes, and says which App it is', async () => {
      expect(await at('--yes', [])).toMatchObject({ code: 0, out: expect.stringContaining(question) })
      expect(aws.stored('callers')).toMatchObject({ gate: { allow: ['load-testing/start-test'] } })
    })

    it.each<[string, string, Keys, number, string]>([
      ['the user does not confirm', '', [[question, enter]], 1, 'Nothing was saved.'],
      [
        'the App belongs to another organization',
        '--organization other --yes',
        [],
        2,
        'belongs to Acme instead of other',
      ],
    ])('saves nothing if %s', async (_what, options, typed, code, says) => {
      expect(await at(options, typed)).toMatchObject({ code, out: expect.stringContaining(says) })
      expect([...aws.secrets.keys()].join()).not.toMatch(/gate|callers/)
    })

    it('creates nothing without a terminal and --yes', async () => {
      expect(await run(manifest)).toMatchObject({ code: 2, err: expect.stringContaining('Pass --yes.') })
    })
  })
})

describe('webhooks orchestrator add', () => {
  const add = () => run('orchestrator add github --from-file -', JSON.stringify(github.settings))

  it('authenticates as the App, and saves it', async () => {
    expect(await add()).toMatchObject({ code: 0, out: expect.stringContaining('Connection test passed') })
  })

  it('names the permission that the App lacks, and saves nothing', async () => {
    aws.secrets.clear()
    github.state.permissions = { deployments: 'write' }
    expect(await add()).toMatchObject({ code: 1, out: expect.stringContaining('the permission actions: read') })
    expect([...aws.secrets.keys()]).toEqual([])
  })
})

it('webhooks doctor reports failed deliveries and a missing caller of an App', async () => {
  delivered('failed', 5, 503)
  const all: { what: string; state: string; found: string }[] = JSON.parse((await run('doctor --json')).out)
  const found = all.filter(({ what }) => what === 'orchestrator github').map((one) => `${one.state}: ${one.found}`)
  expect(found).toEqual([
    `ok: ${github.url}`,
    'wrong: its caller github does not exist',
    'note: deliveries that failed in three days: 1',
  ])
})

const HOUR_MS = 3_600_000
let deliveries = 0

/** Adds a delivery of the past. */
function delivered(guid: string, hoursAgo: number, status_code: number): void {
  github.state.deliveries.push({
    id: ++deliveries,
    guid,
    status_code,
    redelivery: false,
    delivered_at: new Date(Date.now() - hoursAgo * HOUR_MS).toISOString(),
    event: 'deployment_protection_rule',
    action: 'requested',
  })
}
const requested = () => github.state.deliveries.filter(({ redelivery }) => redelivery).map(({ guid }) => guid)

describe('webhooks github redeliver', () => {
  beforeEach(() => {
    delivered('too-old', 80, 502)
    delivered('failed', 40, 503)
    delivered('delivered-later', 30, 502)
    delivered('delivered', 20, 202)
    delivered('delivered-later', 10, 202)
    delivered('failed', 5, 0)
    for (let count = 0; count < 120; count++) delivered(`ping-${count}`, 1, 200)
  })

  it('requests what failed each time in the last three days, and is safe to repeat', async () => {
    const { code, out } = await run('github redeliver github')
    expect([code, out]).toEqual([0, expect.stringMatching(/failed +2 +failed to connect +requested again/)])
    expect(requested()).toEqual(['failed'])
    expect((await run('github redeliver github')).err).toContain('No deliveries failed in the last three days.')
    expect(requested()).toEqual(['failed'])
  })

  it('requests nothing in a dry run', async () => {
    const { code, out } = await run('github redeliver github --dry-run --json')
    expect([code, JSON.parse(out)]).toMatchObject([0, [{ guid: 'failed', attempts: 2 }]])
    expect(requested()).toEqual([])
  })

  it('shows why GitHub refuses, and exits with 1', async () => {
    github.failNext(422, { message: 'The delivery is too old' }, { on: 'POST' })
    const { code, out } = await run('github redeliver github')
    expect([code, out]).toEqual([1, expect.stringContaining('The delivery is too old')])
  })
})

describe('The schedule', () => {
  beforeEach(() => {
    Object.assign(process.env, { AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url, WEBHOOKS_REDELIVER: 'github' })
  })

  it('doubles the time between two attempts, and logs no credential', async () => {
    delivered('first-attempt', 0.1, 503)
    delivered('not-yet', 9, 503)
    delivered('not-yet', 3, 503)
    delivered('due', 9, 503)
    delivered('due', 5, 503)
    const { lines } = await withLogLines(redeliverHandler)
    expect(requested().sort()).toEqual(['due', 'first-attempt'])
    expect(lines.join('')).toContain('delivery requested again')
    expect(redactDeep(lines)).toEqual(lines)
  })
})
