import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { sandbox } from './sandbox.ts'
import { atTerminal, controlC, enter, type Keys, webhooks } from './webhooks.ts'

const NAME = 'connections/issue-ticketing/default'
const secret = `cloud-automation-webhooks/${NAME}`
const folder = temporaryFolder()
beforeEach(() => aws.reset())

/** The token of the sandbox consists of words. */
const github = (token: string = demo.githubToken) => ({
  provider: 'github',
  baseUrl: `${sandbox.url}/sandbox/github`,
  token,
  project: 'demo/shop',
})
/** Connects issue-ticketing/default to GitHub. */
const connect = (options: string, connection: object = github(), env: Record<string, string> = aws.env) =>
  webhooks(`connect issue-ticketing/default --from-file - ${options}`, {
    env,
    cwd: folder,
    stdin: JSON.stringify(connection),
  })
const stored = () => aws.stored(NAME)
const jsonIn = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))

describe('webhooks connect --from-file', () => {
  it('tests and saves a new connection', async () => {
    const out = `Connection test passed.\nSaved ${secret} in Secrets Manager (eu-west-1).\n`
    expect(await connect('')).toEqual({ code: 0, out, err: '' })
    expect(stored()).toEqual(github())
    expect(aws.operations).toContain('CreateSecret')
    expect(aws.descriptions.get(secret)).toBe('GitHub')
  })

  it('replaces a stored connection', async () => {
    aws.store(NAME, github('an-old-token'))
    writeFileSync(join(folder, 'github.json'), JSON.stringify(github()))
    const line = 'connect issue-ticketing/default --from-file github.json --json'
    const { code, out } = await webhooks(line, { env: aws.env, cwd: folder })
    const test = { reachable: 'yes', authenticated: 'yes', permitted: 'yes' }
    const value = { ...github(), token: '***' }
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { secret, place: 'Secrets Manager (eu-west-1)', value, test, done: 'replaced' },
    ])
    expect(stored()).toEqual(github())
  })

  it('does not save a connection that fails its test', async () => {
    const { code, out, err } = await connect('', github('a-wrong-token'))
    expect(out).toMatch(/Connection test failed: GitHub answered 401.*Renew the credentials.*Nothing was saved\./s)
    expect(out + err).not.toContain('a-wrong-token')
    expect([code, stored()]).toEqual([1, null])
  })

  it('saves a connection without testing it with --no-check', async () => {
    const out = expect.stringContaining('The connection was not tested.')
    expect(await connect('--no-check', github('untested'))).toMatchObject({ code: 0, out })
    expect(stored().token).toBe('untested')
  })

  it.each([
    ['', aws.env],
    [' --no-check', {}],
  ])('shows the masked secret with --dry-run%s without saving it, also without AWS', async (options, env) => {
    const { code, out } = await connect(`--dry-run${options}`, github(), env)
    expect([code, out]).toEqual([0, expect.stringContaining(`Would save ${secret} in Secrets Manager:`)])
    expect(out).toContain('"token": "***"')
    expect(out).not.toContain(demo.githubToken)
    expect(aws.operations).toEqual([])
  })

  it('--field overrides the file', async () => {
    await connect('--field project=demo/other --no-check')
    expect(stored()).toEqual({ ...github(), project: 'demo/other' })
  })

  it('needs no file for a platform without secrets', async () => {
    const fields = '--field region=eu-central-1 --field target=build'
    const line = `connect ci-cd/builds --provider aws-codebuild ${fields} --no-check`
    expect(await webhooks(line, { env: aws.env })).toMatchObject({ code: 0 })
    const builds = { provider: 'aws-codebuild', region: 'eu-central-1', target: 'build' }
    expect(aws.stored('connections/ci-cd/builds')).toEqual(builds)
  })

  it('reads the certificate of a private authority with --ca', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    writeFileSync(join(folder, 'ca.pem'), pem)
    await connect('--ca ca.pem --no-check')
    expect(stored().ca).toBe(pem)
  })
})

describe('webhooks connect --local', () => {
  const local = (file: string) => connect('--local', github(), { WEBHOOKS_SECRETS: join(folder, file) })

  it('updates the file of WEBHOOKS_SECRETS and makes it readable only by its owner', async () => {
    const file = join(folder, 'secrets.json')
    writeFileSync(file, JSON.stringify({ other: { a: 1 } }), { mode: 0o644 })
    const out = expect.stringContaining(`Replaced ${secret} in ${file}.`)
    expect(await local('secrets.json')).toMatchObject({ code: 0, out })
    expect(jsonIn('secrets.json')).toEqual({ other: { a: 1 }, [secret]: github() })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(aws.operations).toEqual([])
  })

  it('creates .webhooks/secrets.json by default', async () => {
    await connect('--local', github(), {})
    expect(Object.keys(jsonIn('.webhooks/secrets.json'))).toEqual([secret])
    expect(statSync(join(folder, '.webhooks/secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('does not change an invalid file', async () => {
    const file = join(folder, 'broken.json')
    writeFileSync(file, '{"half')
    expect(await local('broken.json')).toMatchObject({ code: 2, err: expect.stringContaining(`${file} is not JSON`) })
    expect(readFileSync(file, 'utf8')).toBe('{"half')
  })
})

describe('webhooks connect without permission', () => {
  it('quotes AWS', async () => {
    const message = 'User: Jane is not authorized to perform: GetSecretValue'
    aws.error = { type: 'AccessDeniedException', message }
    const err = `The secret ${secret} is not permitted: ${message}.\n`
    expect(await connect('')).toMatchObject({ code: 1, err })
  })

  it.each([
    [{ AWS_REGION: 'eu-west-1' }, /^No AWS credentials are configured .*--local.*\n$/],
    [{}, /^No AWS region is configured. Set AWS_REGION/],
  ])('reports what is missing besides %j', async (env, err) => {
    expect(await connect('', github(), env)).toMatchObject({ code: 1, err: expect.stringMatching(err) })
  })
})

describe('webhooks connect at a terminal', () => {
  const platform: Keys[number] = ['Which platform?', `\x1b[B${enter}`]
  const answers: Keys = [platform, ['token:', `${demo.githubToken}${enter}`]]
  const none: Keys[number] = ['Which optional fields', enter]
  const at = (...keys: Keys) => {
    const field = `--field baseUrl=${sandbox.url}/sandbox/github`
    return atTerminal(`connect issue-ticketing/default ${field}`, keys, { env: aws.env, cwd: folder })
  }

  it('prompts for required and selected fields without echoing secrets', async () => {
    const selected: Keys[number] = ['Which optional fields', ` ${enter}`]
    const { code, out } = await at(...answers, selected, ['project:', `demo/shop${enter}`])
    expect([code, out]).toEqual([0, expect.stringMatching(/GitHub.*Saved/s)])
    expect(out).not.toContain(demo.githubToken)
    expect(stored()).toEqual(github())
  })

  it('validates a value at the prompt', async () => {
    const corrected = `${'\x7f'.repeat(3)}${demo.githubToken}${enter}`
    const { out } = await at(platform, ['token:', `abc${enter}`], ['must be at least 6 characters', corrected], none)
    expect(out).toContain('must be at least 6 characters')
    expect(stored().token).toBe(demo.githubToken)
  })

  it('offers the stored values and keeps a secret on Enter', async () => {
    aws.store(NAME, github())
    await at(['Which platform?', enter], ['press Enter to keep', enter], none, ['project:', `2${enter}`])
    expect(stored()).toEqual({ ...github(), project: 'demo/shop2' })
  })

  it('prompts for the next step after a failed test', async () => {
    const repaired: Keys[number] = ['press Enter to keep', `${demo.githubToken}${enter}`]
    const wrong: Keys[number] = ['token:', `not-the-token${enter}`]
    const { code, out } = await at(platform, wrong, none, ['What now?', enter], repaired, none)
    expect([code, out]).toEqual([0, expect.stringContaining('GitHub answered 401')])
    expect(out).not.toContain('not-the-token')
    expect(stored().token).toBe(demo.githubToken)
  })

  it('replaces an unreadable secret', async () => {
    aws.secrets.set(secret, '{"half')
    await at(...answers, none)
    expect(stored()).toEqual({ provider: 'github', baseUrl: github().baseUrl, token: demo.githubToken })
  })

  it('saves nothing on Ctrl-C', async () => {
    const out = expect.stringContaining('Nothing was saved.')
    expect(await at(platform, ['token:', controlC])).toMatchObject({ code: 130, out })
    expect(aws.secrets.size).toBe(0)
  })
})
