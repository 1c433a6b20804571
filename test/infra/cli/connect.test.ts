import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { startAws, type TestAws } from './aws.ts'
import { startSandbox } from './sandbox.ts'
import { atTerminal, controlC, enter, webhooks } from './webhooks.ts'

const secret = 'cloud-automation-webhooks/connections/issue-ticketing/default'
let aws: TestAws
let sandbox: Awaited<ReturnType<typeof startSandbox>>
let folder: string

beforeAll(async () => {
  aws = await startAws()
  sandbox = await startSandbox()
  folder = mkdtempSync(join(tmpdir(), 'connect-'))
})
afterAll(async () => {
  await aws.close()
  await sandbox.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  aws.secrets.clear()
  aws.operations.length = 0
  aws.error = undefined
})

/** The token of the sandbox consists of words. */
const warning = 'Warning: token consists of plain words. Use a random value if the platform lets you choose it.\n'
const github = (token: string = demo.githubToken) => ({
  provider: 'github',
  baseUrl: `${sandbox.url}/sandbox/github`,
  token,
  project: 'demo/shop',
})
const connect = (args: string[], stdin?: unknown, env: Record<string, string> = {}) =>
  webhooks(['connect', ...args], {
    env: { ...aws.env, ...env },
    cwd: folder,
    stdin: typeof stdin === 'string' ? stdin : JSON.stringify(stdin),
  })
const stored = () => JSON.parse(aws.secrets.get(secret) ?? 'null')

describe('webhooks connect --from-file', () => {
  it('tests and saves a new connection', async () => {
    const { code, out, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github())
    expect(err).toBe(warning)
    expect(out).toBe(
      `Connection test passed: reachable, authenticated, permitted.\nSaved ${secret} in Secrets Manager (eu-west-1).\n`,
    )
    expect(stored()).toEqual(github())
    expect(aws.operations).toContain('CreateSecret')
    expect(code).toBe(0)
  })

  it('replaces a stored connection', async () => {
    aws.secrets.set(secret, JSON.stringify(github('an-old-token')))
    writeFileSync(join(folder, 'github.json'), JSON.stringify(github()))
    const { code, out } = await connect(['issue-ticketing/default', '--from-file', 'github.json', '--json'])
    expect(JSON.parse(out)).toEqual({
      secret,
      place: 'Secrets Manager (eu-west-1)',
      value: { ...github(), token: '***' },
      test: { reachable: 'yes', authenticated: 'yes', permitted: 'yes' },
      done: 'replaced',
    })
    expect(stored()).toEqual(github())
    expect(code).toBe(0)
  })

  it('does not save a connection that fails its test', async () => {
    const { code, out, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github('a-wrong-token'))
    expect(out).toContain('Connection test failed: GitHub answered 401')
    expect(out).toContain('Renew the credentials')
    expect(out).toContain('Nothing was saved.')
    expect(out + err).not.toContain('a-wrong-token')
    expect(stored()).toBeNull()
    expect(code).toBe(1)
  })

  it('saves a connection without testing it with --no-check', async () => {
    const { code, out } = await connect(
      ['issue-ticketing/default', '--from-file', '-', '--no-check'],
      github('untested'),
    )
    expect(out).toContain('The connection was not tested.')
    expect(stored().token).toBe('untested')
    expect(code).toBe(0)
  })

  it('supports --dry-run without an AWS region and account', async () => {
    const args = ['connect', 'issue-ticketing/default', '--from-file', '-', '--dry-run', '--no-check']
    const { code, out } = await webhooks(args, { stdin: JSON.stringify(github()) })
    expect(out).toContain(`Would save ${secret} in Secrets Manager:`)
    expect(code).toBe(0)
  })

  it('shows the masked secret with --dry-run without saving it', async () => {
    const { code, out } = await connect(['issue-ticketing/default', '--from-file', '-', '--dry-run'], github())
    expect(out).toContain(`Would save ${secret} in Secrets Manager:`)
    expect(out).toContain('"token": "***"')
    expect(out).not.toContain(demo.githubToken)
    expect(aws.operations).toEqual([])
    expect(code).toBe(0)
  })

  it('--field overrides the file', async () => {
    const args = ['issue-ticketing/default', '--from-file', '-', '--field', 'project=demo/other', '--no-check']
    await connect(args, github())
    expect(stored()).toEqual({ ...github(), project: 'demo/other' })
  })

  it('needs no file for a platform without secrets', async () => {
    const fields = ['--field', 'region=eu-central-1', '--field', 'target=build']
    const { code } = await connect(['ci-cd/builds', '--provider', 'aws-codebuild', ...fields, '--no-check'])
    expect(JSON.parse(aws.secrets.get('cloud-automation-webhooks/connections/ci-cd/builds') ?? '')).toEqual({
      provider: 'aws-codebuild',
      region: 'eu-central-1',
      target: 'build',
    })
    expect(code).toBe(0)
  })

  it('reads the certificate of a private authority with --ca', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    writeFileSync(join(folder, 'ca.pem'), pem)
    await connect(['issue-ticketing/default', '--from-file', '-', '--ca', 'ca.pem', '--no-check'], github())
    expect(stored().ca).toBe(pem)
  })
})

describe('webhooks connect --local', () => {
  it('updates the file of WEBHOOKS_SECRETS and makes it readable only by its owner', async () => {
    const file = join(folder, 'secrets.json')
    writeFileSync(file, JSON.stringify({ other: { a: 1 } }), { mode: 0o644 })
    const args = ['issue-ticketing/default', '--from-file', '-', '--local']
    const { code, out } = await connect(args, github(), { WEBHOOKS_SECRETS: file, AWS_REGION: '' })
    expect(out).toContain(`Replaced ${secret} in ${file}.`)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ other: { a: 1 }, [secret]: github() })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(aws.operations).toEqual([])
    expect(code).toBe(0)
  })

  it('creates .webhooks/secrets.json by default', async () => {
    await connect(['issue-ticketing/mine', '--from-file', '-', '--local'], github())
    const file = join(folder, '.webhooks', 'secrets.json')
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toEqual([
      'cloud-automation-webhooks/connections/issue-ticketing/mine',
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('does not change an invalid file', async () => {
    const file = join(folder, 'broken.json')
    writeFileSync(file, '{"half')
    const args = ['issue-ticketing/default', '--from-file', '-', '--local']
    const { code, err } = await connect(args, github(), { WEBHOOKS_SECRETS: file })
    expect(err).toContain(`${file} is not JSON`)
    expect(readFileSync(file, 'utf8')).toBe('{"half')
    expect(code).toBe(2)
  })
})

describe('webhooks connect without permission', () => {
  it('quotes AWS if a permission is missing', async () => {
    aws.error = { type: 'AccessDeniedException', message: 'User: Jane is not authorized to perform: GetSecretValue' }
    const { code, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github())
    expect(err).toBe(
      `${warning}The secret ${secret} is not permitted: User: Jane is not authorized to perform: GetSecretValue.\n`,
    )
    expect(code).toBe(1)
  })

  it('reports missing credentials and a missing region', async () => {
    const args = ['connect', 'issue-ticketing/default', '--from-file', '-']
    const without = await webhooks(args, { env: { AWS_REGION: 'eu-west-1' }, stdin: JSON.stringify(github()) })
    expect(without).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\nNo AWS credentials are configured .*--local.*\n$/),
    })
    const nowhere = await webhooks(args, { stdin: JSON.stringify(github()) })
    expect(nowhere).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^No AWS region is configured. Set AWS_REGION/),
    })
  })
})

describe('webhooks connect at a terminal', () => {
  const answers: [string, string][] = [
    ['Which platform?', `\x1b[B${enter}`],
    ['token:', `${demo.githubToken}${enter}`],
  ]
  const at = (keys: [string, string][], args: string[] = []) =>
    atTerminal(
      ['connect', 'issue-ticketing/default', '--field', `baseUrl=${sandbox.url}/sandbox/github`, ...args],
      keys,
      {
        env: aws.env,
        cwd: folder,
      },
    )

  it('prompts for required and selected fields without echoing secrets', async () => {
    const { code, out } = await at([
      ...answers,
      ['Which optional fields', ` ${enter}`],
      ['project:', `demo/shop${enter}`],
    ])
    expect(out).toContain('GitHub')
    expect(out).toContain('Saved')
    expect(out).not.toContain(demo.githubToken)
    expect(stored()).toEqual(github())
    expect(code).toBe(0)
  })

  it('validates a value at the prompt', async () => {
    const { out } = await at([
      answers[0] as [string, string],
      ['token:', `abc${enter}`],
      ['must be at least 6 characters', `${'\x7f'.repeat(3)}${demo.githubToken}${enter}`],
      ['Which optional fields', enter],
    ])
    expect(out).toContain('must be at least 6 characters')
    expect(stored().token).toBe(demo.githubToken)
  })

  it('offers the stored values and keeps a secret on Enter', async () => {
    aws.secrets.set(secret, JSON.stringify(github()))
    await at([
      ['Which platform?', enter],
      ['press Enter to keep', enter],
      ['Which optional fields', enter],
      ['project:', `2${enter}`],
    ])
    expect(stored()).toEqual({ ...github(), project: 'demo/shop2' })
  })

  it('prompts for the next step after a failed test', async () => {
    const { code, out } = await at([
      answers[0] as [string, string],
      ['token:', `not-the-token${enter}`],
      ['Which optional fields', enter],
      ['What now?', enter],
      ['press Enter to keep', `${demo.githubToken}${enter}`],
      ['Which optional fields', enter],
    ])
    expect(out).toContain('GitHub answered 401')
    expect(out).not.toContain('not-the-token')
    expect(stored().token).toBe(demo.githubToken)
    expect(code).toBe(0)
  })

  it('replaces an unreadable secret', async () => {
    aws.secrets.set(secret, '{"half')
    await at([...answers, ['Which optional fields', enter]])
    expect(stored()).toEqual({ provider: 'github', baseUrl: github().baseUrl, token: demo.githubToken })
  })

  it('saves nothing on Ctrl-C', async () => {
    const { code, out } = await at([answers[0] as [string, string], ['token:', controlC]])
    expect(out).toContain('Nothing was saved.')
    expect(aws.secrets.size).toBe(0)
    expect(code).toBe(130)
  })
})
