import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { kindsOf } from '../../../infra/cli/sources/credentials.ts'
import { hasAwsRules } from '../../../infra/cli/sources/declared-sources.ts'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { authenticateSource } from '../../../shared/sources/authenticate-source.ts'
import { loadSourceType, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { sourceSecret } from '../../../shared/sources/secret.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { atTerminal, enter, webhooks } from './webhooks.ts'

const folder = temporaryFolder()
beforeEach(() => aws.reset())

const source = (line: string, env: Record<string, string> = {}) =>
  webhooks(`source ${line}`, { env: { ...aws.env, ...env } })
const stored = (name: string) => sourceSecret.parse(aws.stored(`sources/${name}`))
const URL = 'https://api.example.org'

/** The types and each credential that is generated for them. */
const KINDS = (
  await Promise.all(
    sourceTypeNames.map(async (name) => {
      const type = await loadSourceType(name)
      return kindsOf(type).flatMap((kind) => (kind === 'keys' && type.choosesKey ? [] : [[name, kind] as const]))
    }),
  )
).flat()

/** Words of the other credentials. */
const OTHERS = {
  keys: /Bearer|Basic|\?token=|\bpassword\b/,
  token: /Basic|\bpassword\b/,
  password: /Bearer|\btoken\b/i,
}

/** The secrets of the types for which none is generated. */
const SECRETS: Partial<Record<(typeof sourceTypeNames)[number], object>> = {
  'aws-sns': { topics: ['arn:aws:sns:eu-west-1:123456789012:events'] },
  'google-cloud-build': { serviceAccount: 'push@shop.iam.gserviceaccount.com', audience: `${URL}/v1/events/x` },
  'incident-io': { keys: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
  sentry: { keys: ['0123456789abcdef0123'] },
  gitlab: { keys: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
  linear: { keys: ['lin_wh_0123456789abcdef'] },
  pagerduty: { keys: ['0123456789abcdef0123'] },
}

describe('webhooks source add', () => {
  it('generates the key, saves it, and prints what to enter at the platform', async () => {
    aws.store('connections/ci-cd/default', { provider: 'github-actions' })
    aws.store('connections/ci-cd/other', { provider: 'jenkins' })
    const { code, out, err } = await source(`add github --url ${URL}/v1`)
    const [key = ''] = stored('github').keys ?? []
    expect(key).toMatch(/^[\w-]{43}$/)
    expect(code).toBe(0)
    expect(err).toContain('Saved cloud-automation-webhooks/sources/github in Secrets Manager')
    expect(out).toContain(`Payload URL: ${URL}/v1/events/github\n`)
    expect(out).toContain(`Secret: ${key}\n`)
    expect(out).toContain('sources:\n  github: { type: github, wakes: [ci-cd/default] }')
  })

  it('prints how to declare a sender of alerts, which wakes no connection', async () => {
    const { out } = await source('add alertmanager')
    expect(out).toContain('sources:\n  alertmanager: { type: alertmanager }')
    expect((await source('add argo-cd')).out).toContain('wakes: [<category>/<connection>]')
  })

  it('keeps the old keys, so that the platform can be changed later, but at most three', async () => {
    for (let count = 0; count < 4; count++) await source('add github --name ci')
    const keys = stored('ci').keys ?? []
    expect(new Set(keys).size).toBe(3)
    const { out } = await source('add github --name ci --json')
    expect(stored('ci').keys).toEqual([JSON.parse(out).secret, ...keys.slice(0, 2)])
  })

  it.each(sourceTypeNames)('saves a secret of the type %s that its requests can match', async (type) => {
    const secret = SECRETS[type]
    const file = join(folder, `${type}.json`)
    if (secret) writeFileSync(file, JSON.stringify(secret))
    const { code, out } = await source(
      `add ${type} --name x --url ${URL} ${secret ? `--from-file ${quoteForShell(file)}` : ''}`,
    )
    expect(code).toBe(0)
    const [[name = '', value = []] = []] = Object.entries(stored('x')).slice(-1)
    if (secret) expect(stored('x')).toEqual(secret)
    else expect(['keys', 'token', 'password']).toContain(name)
    const shown = [value].flat()[0] ?? ''
    if (!secret) expect(out).toContain(shown)
    expect(out).not.toMatch(/\{(url|secret|user|basic|loginUrl)\}/)
  })

  it.each(KINDS)('prints only steps for the credential of %s: %s', async (name, kind) => {
    const { out } = await source(`add ${name} --credential ${kind} --name x --url ${URL} --json`)
    const { secret, setup } = JSON.parse(out) as { secret: string; setup: string[] }
    const steps = setup.join('\n')
    const login = Buffer.from(`webhooks:${secret}`).toString('base64')
    expect(steps).toContain(steps.includes(secret) ? secret : login)
    expect(steps).not.toMatch(/\{(url|secret|user|basic|loginUrl)\}/)
    expect(steps.replace(/A \w+ without .*/, '')).not.toMatch(OTHERS[kind])
    // Each request that the steps describe is one that the saved secret accepts.
    const request = { headers: {}, query: {}, rawBody: Buffer.from('{}') }
    const type = await loadSourceType(name)
    const accept = (sent: object) =>
      authenticateSource(type, { ...request, ...sent }, stored('x'), Date.now(), async () => '')
    for (const [, scheme, value] of steps.matchAll(/(Bearer|Basic) ([\w+/=-]{20,})/g))
      await accept({ headers: { authorization: `${scheme} ${value}` } })
    for (const [, token] of steps.matchAll(/\?token=([\w+/=-]{20,})/g)) await accept({ query: { token } })
    for (const [, userInfo = ''] of steps.matchAll(/:\/\/([\w-]+:[\w-]{20,})@/g))
      await accept({ headers: { authorization: `Basic ${Buffer.from(userInfo).toString('base64')}` } })
  })

  it('generates a token for a sender without a type of its own', async () => {
    const { out } = await source(`add http --url ${URL}`)
    const { token = '' } = stored('http')
    expect(token).not.toBe('')
    expect(out).toContain(`Authorization: Bearer ${token}`)
    const { out: signed } = await source(`add http --name signed --credential keys --url ${URL}`)
    expect(signed).toContain(`Signature: as a Standard Webhook, with the key ${stored('signed').keys?.[0]}`)
    expect(signed).not.toContain('Bearer')
  })

  it('prompts for the key of a platform that chooses it, without showing it', async () => {
    const key = 'lin_wh_0123456789abcdef'
    const { code, out, err } = await atTerminal('source add linear', [['signing key', `${key}${enter}`]], {
      env: aws.env,
    })
    expect(code).toBe(0)
    expect(stored('linear')).toEqual({ keys: [key] })
    expect(out + err).not.toContain(key)
  })

  it('generates a token if the platform shall send one, and replaces it only if asked to', async () => {
    await source('add gitlab --credential token')
    const { token } = stored('gitlab')
    expect(token).toMatch(/^[\w-]{43}$/)
    const again = await source('add gitlab --credential token')
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('--replace') })
    expect(stored('gitlab').token).toBe(token)
    expect((await source('add gitlab --credential token --replace')).code).toBe(0)
    expect(stored('gitlab').token).not.toBe(token)
  })

  it.each([
    ['add githup', 'Allowed choices are'],
    ['add github --credential token', 'GitHub cannot send token. Choose keys.'],
    ['add github --name Git_Hub', 'Invalid name "Git_Hub"'],
  ])('refuses "%s"', async (line, reason) => {
    expect(await source(line)).toMatchObject({ code: 2, err: expect.stringContaining(reason) })
    expect(aws.stored('sources/github') ?? undefined).toBeUndefined()
  })

  it('saves in the file of the local runtime with --local', async () => {
    const file = join(folder, 'secrets.json')
    const { out } = await source('add github --local --json', { WEBHOOKS_SECRETS: file, WEBHOOKS_PORT: '8788' })
    const { url, secret } = JSON.parse(out)
    expect(url).toBe('http://127.0.0.1:8788/v1/events/github')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      'cloud-automation-webhooks/sources/github': { keys: [secret] },
    })
  })
})

describe('webhooks source list', () => {
  const file = join(folder, 'events.yaml')
  const env = {
    WEBHOOKS_EVENTS: file,
    WEBHOOKS_SECRETS: join(folder, 'none.json'),
    WEBHOOKS_STATE: join(folder, 'no-state'),
    WEBHOOKS_PORT: '8788',
  }

  it('shows what each source wakes, and whether it has a secret', async () => {
    writeFileSync(file, 'sources: { github: { type: github, wakes: [ci-cd/default] }, ci: { type: jenkins } }')
    writeFileSync(
      join(folder, 'none.json'),
      JSON.stringify({ 'cloud-automation-webhooks/sources/ci': { token: 't'.repeat(20) } }),
    )
    const { code, out, err } = await source('list --local --json', env)
    expect({ code, rows: JSON.parse(out) }).toEqual({
      code: 0,
      rows: [
        { source: 'github', type: 'github', wakes: ['ci-cd/default'], secret: 'no' },
        { source: 'ci', type: 'jenkins', wakes: [], secret: 'yes' },
      ],
    })
    expect(err).toContain('The times are not known: the local runtime does not run.')
  })

  it('refuses an invalid file with its lines', async () => {
    writeFileSync(file, 'sources:\n  ci: { type: jenkinz }')
    const { code, err } = await source('list --local', env)
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/line 2: sources\.ci\.type .*Did you mean "jenkins"/),
    })
  })
})

it('The source of the events of AWS needs no secret if the stack has rules that send them', () => {
  const aws = { type: 'eventbridge' as const, wakes: [] }
  const patterns = [{ source: ['aws.cloudwatch'] }]
  expect(hasAwsRules({}, { aws: { ...aws, patterns } })).toBe(true)
  expect(hasAwsRules({ awsProviders: {} }, { aws })).toBe(true)
  expect(hasAwsRules({}, { aws })).toBe(false)
  // The local runtime gets no events of AWS, except from senders with the secret.
  expect(hasAwsRules(undefined, { aws: { ...aws, patterns } })).toBe(false)
})

describe('webhooks check', () => {
  it('does not pass a connection that a source of another type should wake', async () => {
    const file = join(folder, 'mismatch.yaml')
    writeFileSync(file, 'sources: { ci: { type: jenkins, wakes: [ci-cd/default] } }')
    const { code, out } = await webhooks('check ci-cd/default --local --json', {
      env: { WEBHOOKS_EVENTS: file, WEBHOOKS_STATE: join(folder, 'none'), WEBHOOKS_PORT: '8788' },
    })
    expect(code).toBe(1)
    const problem = 'The source ci (jenkins) reports no runs of github-actions: only a source of the type github does'
    expect(JSON.parse(out)[0].problem).toContain(problem)
  })
})

it('webhooks source types lists all types with the credentials that each can send', async () => {
  const { out } = await source('types --json')
  const rows = JSON.parse(out)
  expect(rows.map(({ type }: { type: string }) => type)).toEqual(sourceTypeNames)
  expect(rows).toContainEqual({ type: 'gitlab', platform: 'GitLab', credentials: ['keys', 'token'] })
})

describe('webhooks doctor', () => {
  it('shows a source without a secret', async () => {
    const file = join(folder, 'doctor.yaml')
    writeFileSync(file, 'sources: { github: { type: github } }')
    const env = { WEBHOOKS_EVENTS: file, WEBHOOKS_STATE: join(folder, 'none'), WEBHOOKS_PORT: '8788' }
    const { code, out } = await webhooks('doctor --local --json', { env })
    expect(code).toBe(1)
    expect(JSON.parse(out)).toContainEqual({
      what: 'source github',
      state: 'wrong',
      found: expect.stringContaining('has no secret in'),
      advice: 'Run npx webhooks source add github --name github --local.',
    })
  })

  it('shows sources that accept the notifications of each other', async () => {
    const file = join(folder, 'shared.yaml')
    writeFileSync(file, 'sources: { one: { type: github }, two: { type: jira }, own: { type: github } }')
    const secrets = join(folder, 'shared.json')
    const key = (name: string) => `a-signing-key-of-${name}`
    const of = (path: string) => `cloud-automation-webhooks/sources/${path}`
    const stored = {
      [of('one')]: { keys: [key('one'), key('both')] },
      [of('two')]: { keys: [key('both')], token: key('two') },
      [of('own')]: { keys: [key('own')] },
    }
    writeFileSync(secrets, JSON.stringify(stored))
    const env = {
      WEBHOOKS_EVENTS: file,
      WEBHOOKS_SECRETS: secrets,
      WEBHOOKS_STATE: join(folder, 'none'),
      WEBHOOKS_PORT: '8788',
    }
    const { out } = await webhooks('doctor --local --json', { env })
    expect(JSON.parse(out).filter(({ what }: { what: string }) => what === 'sources')).toMatchObject([
      { state: 'note' },
      { state: 'wrong', found: expect.stringMatching(/in the secrets of one, two: each accepts/) },
    ])
    expect(out).not.toContain(key('both'))
  })

  it('shows rules whose calls the secret of their source, or a missing connection, refuses', async () => {
    const file = join(folder, 'rules.yaml')
    writeFileSync(
      file,
      `sources: { alerts: { type: alertmanager } }
rules:
  - { name: open, source: alerts, call: issue-ticketing/open-issue, connection: ops }
  - { name: other, source: alerts, call: issue-ticketing/open-issue, connection: other }
  - { name: lost, source: alerts, call: notification/push-update, connection: lost }
  - { name: run, source: alerts, call: remediation/run-runbook }
`,
    )
    const secrets = join(folder, 'rules.json')
    const of = (path: string) => `cloud-automation-webhooks/${path}`
    const allow = ['issue-ticketing/*', 'notification/*']
    writeFileSync(
      secrets,
      JSON.stringify({
        [of('sources/alerts')]: { token: 't'.repeat(20), allow, allowConnections: { 'issue-ticketing': ['ops'] } },
        [of('connections/issue-ticketing/ops')]: { provider: 'jira' },
        [of('connections/issue-ticketing/other')]: { provider: 'jira' },
      }),
    )
    const env = {
      WEBHOOKS_EVENTS: file,
      WEBHOOKS_SECRETS: secrets,
      WEBHOOKS_STATE: join(folder, 'none'),
      WEBHOOKS_PORT: '8788',
    }
    const { out } = await webhooks('doctor --local --json', { env })
    const ofRules = JSON.parse(out).filter(({ what }: { what: string }) => what.startsWith('rule '))
    const advice =
      'Correct the rule, or allow and allowConnections in the secret cloud-automation-webhooks/sources/alerts.'
    expect(ofRules).toEqual([
      {
        what: 'rule other',
        state: 'wrong',
        found: expect.stringContaining('may not use the connection other of issue-ticketing. It may use ops'),
        advice,
      },
      {
        what: 'rule lost',
        state: 'wrong',
        found: 'its connection notification/lost does not exist: its calls are refused',
        advice: 'Run npx webhooks connect notification/lost --local, or name another connection.',
      },
      {
        what: 'rule run',
        state: 'wrong',
        found: expect.stringContaining('may not call remediation/run-runbook. It may call issue-ticketing/*'),
        advice,
      },
    ])
  })
})
