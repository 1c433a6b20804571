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
  aws.asked.length = 0
  aws.refuse = undefined
})

/** The sandbox's token is made of words. */
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
  it('tries a new connection and stores it, and shows no secret', async () => {
    const { code, out, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github())
    expect(err).toBe(warning)
    expect(out).toBe(
      `It was tried: reachable, authenticated, permitted.\nStored ${secret} in Secrets Manager (eu-west-1).\n`,
    )
    expect(stored()).toEqual(github())
    expect(aws.asked).toContain('CreateSecret')
    expect(code).toBe(0)
  })

  it('replaces what is there', async () => {
    aws.secrets.set(secret, JSON.stringify(github('an-old-token')))
    writeFileSync(join(folder, 'github.json'), JSON.stringify(github()))
    const { code, out } = await connect(['issue-ticketing/default', '--from-file', 'github.json', '--json'])
    expect(JSON.parse(out)).toEqual({
      secret,
      place: 'Secrets Manager (eu-west-1)',
      value: { ...github(), token: '***' },
      trial: { reachable: 'yes', authenticated: 'yes', permitted: 'yes' },
      done: 'replaced',
    })
    expect(stored()).toEqual(github())
    expect(code).toBe(0)
  })

  it('stores nothing that the platform does not accept, and says why', async () => {
    const { code, out, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github('a-wrong-token'))
    expect(out).toContain('It was tried in vain: GitHub answered 401')
    expect(out).toContain('Renew its credentials')
    expect(out).toContain('Nothing was stored.')
    expect(out + err).not.toContain('a-wrong-token')
    expect(stored()).toBeNull()
    expect(code).toBe(1)
  })

  it('stores it untried with --no-check', async () => {
    const { code, out } = await connect(
      ['issue-ticketing/default', '--from-file', '-', '--no-check'],
      github('untried'),
    )
    expect(out).toContain('It was not tried.')
    expect(stored().token).toBe('untried')
    expect(code).toBe(0)
  })

  it('shows it with --dry-run where there is neither a region nor an account', async () => {
    const args = ['connect', 'issue-ticketing/default', '--from-file', '-', '--dry-run', '--no-check']
    const { code, out } = await webhooks(args, { stdin: JSON.stringify(github()) })
    expect(out).toContain(`Would store in Secrets Manager as ${secret}:`)
    expect(code).toBe(0)
  })

  it('shows with --dry-run what it would store, masked, and stores nothing', async () => {
    const { code, out } = await connect(['issue-ticketing/default', '--from-file', '-', '--dry-run'], github())
    expect(out).toContain(`Would store in Secrets Manager as ${secret}:`)
    expect(out).toContain('"token": "***"')
    expect(out).not.toContain(demo.githubToken)
    expect(aws.asked).toEqual([])
    expect(code).toBe(0)
  })

  it('takes what is no secret from arguments, over the file', async () => {
    const args = ['issue-ticketing/default', '--from-file', '-', '--field', 'project=demo/other', '--no-check']
    await connect(args, github())
    expect(stored()).toEqual({ ...github(), project: 'demo/other' })
  })

  it('needs no file for a platform of AWS', async () => {
    const fields = ['--field', 'region=eu-central-1', '--field', 'target=build']
    const { code } = await connect(['ci-cd/builds', '--provider', 'aws-codebuild', ...fields, '--no-check'])
    expect(JSON.parse(aws.secrets.get('cloud-automation-webhooks/connections/ci-cd/builds') ?? '')).toEqual({
      provider: 'aws-codebuild',
      region: 'eu-central-1',
      target: 'build',
    })
    expect(code).toBe(0)
  })

  it('takes the certificate of a private authority from its file', async () => {
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    writeFileSync(join(folder, 'ca.pem'), pem)
    await connect(['issue-ticketing/default', '--from-file', '-', '--ca', 'ca.pem', '--no-check'], github())
    expect(stored().ca).toBe(pem)
  })
})

describe('webhooks connect --local', () => {
  it('writes the file of WEBHOOKS_SECRETS, for its owner alone, and leaves what else is in it', async () => {
    const file = join(folder, 'secrets.json')
    writeFileSync(file, JSON.stringify({ other: { a: 1 } }), { mode: 0o644 })
    const args = ['issue-ticketing/default', '--from-file', '-', '--local']
    const { code, out } = await connect(args, github(), { WEBHOOKS_SECRETS: file, AWS_REGION: '' })
    expect(out).toContain(`Replaced ${secret} in ${file}.`)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ other: { a: 1 }, [secret]: github() })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(aws.asked).toEqual([])
    expect(code).toBe(0)
  })

  it('makes .webhooks/secrets.json where no file is named', async () => {
    await connect(['issue-ticketing/mine', '--from-file', '-', '--local'], github())
    const file = join(folder, '.webhooks', 'secrets.json')
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toEqual([
      'cloud-automation-webhooks/connections/issue-ticketing/mine',
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('leaves a file alone that it can not read', async () => {
    const file = join(folder, 'broken.json')
    writeFileSync(file, '{"half')
    const args = ['issue-ticketing/default', '--from-file', '-', '--local']
    const { code, err } = await connect(args, github(), { WEBHOOKS_SECRETS: file })
    expect(err).toContain(`${file} is not JSON`)
    expect(readFileSync(file, 'utf8')).toBe('{"half')
    expect(code).toBe(2)
  })
})

describe('webhooks connect, refused', () => {
  it.each([
    [['issue-tiketing/default'], {}, 'Unknown category "issue-tiketing". Did you mean "issue-ticketing"? Categories: '],
    [['issue-ticketing'], {}, 'write category/name, such as issue-ticketing/default'],
    [['issue-ticketing/Big'], {}, '"Big" can not be a name'],
    [
      ['issue-ticketing/default'],
      {},
      'Say which platform it is, with --provider or in --from-file: azure-boards, github',
    ],
    [['issue-ticketing/default', '--provider', 'githup'], {}, 'Did you mean "github"?'],
    [
      ['issue-ticketing/default', '--provider', 'jira'],
      {},
      'Nobody is here to be asked: give the fields in --from-file',
    ],
    [['issue-ticketing/default', '--provider', 'github', '--field', 'token=abcdefgh'], {}, 'this is a secret'],
    [['issue-ticketing/default', '--provider', 'github', '--field', 'nope=1'], {}, 'known are baseUrl'],
    [['issue-ticketing/default', '--from-file', '-'], 'no json', '- is not JSON'],
    [['issue-ticketing/default', '--from-file', 'nowhere.json'], {}, 'nowhere.json cannot be read; is the path right?'],
    [
      ['issue-ticketing/default', '--from-file', '-'],
      { ...{ provider: 'github' }, tokn: 'abcdefgh' },
      'Did you mean "token"?',
    ],
  ])('%j is exit code 2 and one sentence', async (args, stdin, sentence) => {
    const { code, err } = await connect(args, stdin)
    expect(err).toContain(sentence)
    expect(err.trim().split('\n')).toHaveLength(1)
    expect(err).not.toContain('abcdefgh')
    expect(code).toBe(2)
    expect(aws.secrets.size).toBe(0)
  })

  it('says in AWS’s words what the credentials may not do', async () => {
    aws.refuse = { type: 'AccessDeniedException', message: 'User: Jane is not authorized to perform: GetSecretValue' }
    const { code, err } = await connect(['issue-ticketing/default', '--from-file', '-'], github())
    expect(err).toBe(
      `${warning}The secret ${secret} is not for these credentials: User: Jane is not authorized to perform: GetSecretValue.\n`,
    )
    expect(code).toBe(1)
  })

  it('says where there are no credentials, and no region', async () => {
    const args = ['connect', 'issue-ticketing/default', '--from-file', '-']
    const without = await webhooks(args, { env: { AWS_REGION: 'eu-west-1' }, stdin: JSON.stringify(github()) })
    expect(without).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\nThere are no AWS credentials .*--local.*\n$/),
    })
    const nowhere = await webhooks(args, { stdin: JSON.stringify(github()) })
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringMatching(/^There is no AWS region: set AWS_REGION/) })
  })
})

describe('webhooks connect, at a terminal', () => {
  const answers: [string, string][] = [
    ['Which platform is it?', `\x1b[B${enter}`],
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

  it('asks for each field with its sentence, hides the secret, and asks which others to set', async () => {
    const { code, out } = await at([...answers, ['Which of these', ` ${enter}`], ['project:', `demo/shop${enter}`]])
    expect(out).toContain('GitHub')
    expect(out).toContain('Stored')
    expect(out).not.toContain(demo.githubToken)
    expect(stored()).toEqual(github())
    expect(code).toBe(0)
  })

  it('says at once what is wrong with an answer', async () => {
    const { out } = await at([
      answers[0] as [string, string],
      ['token:', `abc${enter}`],
      ['must be at least 6 characters', `${'\x7f'.repeat(3)}${demo.githubToken}${enter}`],
      ['Which of these', enter],
    ])
    expect(out).toContain('must be at least 6 characters')
    expect(stored().token).toBe(demo.githubToken)
  })

  it('offers what is stored, and keeps a secret at Enter', async () => {
    aws.secrets.set(secret, JSON.stringify(github()))
    await at([
      ['Which platform is it?', enter],
      ['Enter keeps what is stored', enter],
      ['Which of these', enter],
      ['project:', `2${enter}`],
    ])
    expect(stored()).toEqual({ ...github(), project: 'demo/shop2' })
  })

  it('asks what to do where it was tried in vain', async () => {
    const { code, out } = await at([
      answers[0] as [string, string],
      ['token:', `not-the-token${enter}`],
      ['Which of these', enter],
      ['What now?', enter],
      ['Enter keeps what is stored', `${demo.githubToken}${enter}`],
      ['Which of these', enter],
    ])
    expect(out).toContain('GitHub answered 401')
    expect(out).not.toContain('not-the-token')
    expect(stored().token).toBe(demo.githubToken)
    expect(code).toBe(0)
  })

  it('replaces what can not be read', async () => {
    aws.secrets.set(secret, '{"half')
    await at([...answers, ['Which of these', enter]])
    expect(stored()).toEqual({ provider: 'github', baseUrl: github().baseUrl, token: demo.githubToken })
  })

  it('stores nothing at Ctrl-C', async () => {
    const { code, out } = await at([answers[0] as [string, string], ['token:', controlC]])
    expect(out).toContain('Nothing was stored.')
    expect(aws.secrets.size).toBe(0)
    expect(code).toBe(130)
  })
})
