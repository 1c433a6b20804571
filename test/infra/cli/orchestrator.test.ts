import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { PERSONAL_TOKEN, startAzureDevops } from '../../shared/orchestrators/azure-devops/server.ts'
import { SIGNING_KEY, startReceiver } from '../../shared/orchestrators/callback/receiver.ts'
import { startAws, type TestAws } from './aws.ts'
import { startSandbox } from './sandbox.ts'
import { atTerminal, enter, webhooks } from './webhooks.ts'

const secret = 'cloud-automation-webhooks/orchestrators/keptn'
let aws: TestAws
let sandbox: Awaited<ReturnType<typeof startSandbox>>
beforeAll(async () => {
  aws = await startAws()
  sandbox = await startSandbox()
})
afterAll(async () => {
  await aws.close()
  await sandbox.close()
})
beforeEach(() => aws.secrets.clear())

const add = (value: object, ...args: string[]) =>
  webhooks(['orchestrator', 'add', 'keptn', '--from-file', '-', ...args], {
    env: aws.env,
    stdin: JSON.stringify(value),
  })
const baseUrl = () => `${sandbox.url}/sandbox/keptn`
const oauth = (scope?: string) => ({
  ...{ tokenUrl: `${sandbox.url}/sandbox/sso/oauth2/token`, ...demo.oauth },
  ...(scope ? { scope } : {}),
})
const stored = () => JSON.parse(aws.secrets.get(secret) ?? 'null')

describe('webhooks orchestrator add', () => {
  it('tests and saves a token', async () => {
    const { code, out } = await add({ baseUrl: baseUrl(), token: demo.keptnToken })
    expect(out).toBe(
      `Connection test passed: reachable, authenticated, permitted.\nSaved ${secret} in Secrets Manager (eu-west-1).\n`,
    )
    expect(stored()).toEqual({ type: 'keptn', baseUrl: baseUrl(), token: demo.keptnToken })
    expect(code).toBe(0)
  })

  it('reports the missing scope of an OAuth client', async () => {
    const { code } = await add({ baseUrl: baseUrl(), oauth: oauth() }, '--dry-run')
    expect(code).toBe(0)
    const { code: refused, out } = await add({ baseUrl: baseUrl(), oauth: oauth('cloudautomation:events:write') })
    expect(out).toContain('the token lacks the scope cloudautomation:events:read')
    expect(out).not.toContain(demo.oauth.clientSecret)
    expect(refused).toBe(1)
  })

  it('does not save an invalid token or the URL of another API', async () => {
    const wrong = await add({ baseUrl: baseUrl(), token: 'a-wrong-token' })
    expect(wrong.out).toContain('Keptn answered 401')
    expect(wrong.out).not.toContain('a-wrong-token')
    expect(wrong.code).toBe(1)
    const elsewhere = await add({ baseUrl: `${sandbox.url}/sandbox/github`, token: demo.githubToken })
    expect(elsewhere.code).toBe(1)
    expect(stored()).toBeNull()
  })

  it('tests and saves an orchestrator of another type', async () => {
    const receiver = await startReceiver()
    const value = {
      type: 'callback',
      url: `${receiver.url}/done`,
      allow: [`${receiver.url}/wait/`],
      signingKey: SIGNING_KEY,
    }
    const { code, out } = await add(value)
    expect([code, out]).toEqual([0, expect.stringContaining('Connection test passed')])
    expect(out).not.toContain(SIGNING_KEY)
    expect(stored()).toEqual(value)
    receiver.down()
    expect(await add(value)).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was saved') })
    await receiver.close()
  })

  it('tests the collections and the token of Azure DevOps', async () => {
    const azure = await startAzureDevops()
    const value = { type: 'azure-devops', collections: [azure.collection], token: PERSONAL_TOKEN }
    expect(await add(value)).toMatchObject({ code: 0, out: expect.stringContaining('Connection test passed') })
    expect(stored()).toEqual(value)
    const refused = await add({ ...value, token: 'an-expired-personal-token' }, '--dry-run')
    expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('Azure DevOps answered 401')])
    await azure.close()
  })

  it('tests and saves a Dynatrace environment, with the workflows that calls may name', async () => {
    const url = `${sandbox.url}/sandbox/dynatrace`
    const { continuation } = demo.workflows
    const value = {
      ...{ type: 'dynatrace', baseUrl: url, token: demo.dynatracePlatformToken, answer: ['event', 'run'] },
      ...{ workflows: [continuation], ingestUrl: url, ingestToken: demo.dynatraceToken },
    }
    const { code, out } = await add(value)
    expect([code, out]).toEqual([0, expect.stringContaining('Connection test passed')])
    expect(stored()).toEqual(value)
    expect(out).not.toContain(demo.dynatraceToken)
  })

  it('prompts for the settings of the type that has the name of the orchestrator', async () => {
    const { code, out } = await atTerminal(
      ['orchestrator', 'add', 'azure-devops', '--no-check'],
      [
        ['collections', `https://dev.azure.com/contoso/${enter}`],
        ['Which optional fields do', enter],
      ],
      { env: aws.env },
    )
    expect([code, out]).toEqual([0, expect.stringContaining('Saved')])
    expect(JSON.parse(aws.secrets.get('cloud-automation-webhooks/orchestrators/azure-devops') ?? '')).toEqual({
      type: 'azure-devops',
      collections: ['https://dev.azure.com/contoso/'],
    })
  })

  it('prompts for each field of an OAuth client at a terminal', async () => {
    const { clientId, clientSecret } = demo.oauth
    const { code, out } = await atTerminal(
      ['orchestrator', 'add', 'keptn'],
      [
        ['Which credentials?', `\x1b[B${enter}`],
        ['baseUrl:', `${baseUrl()}${enter}`],
        ['tokenUrl:', `${oauth().tokenUrl}${enter}`],
        ['clientId:', `${clientId}${enter}`],
        ['clientSecret:', `${clientSecret}${enter}`],
        ['Which optional fields of oauth', enter],
        ['Which optional fields do', enter],
      ],
      { env: aws.env },
    )
    expect(stored()).toEqual({ type: 'keptn', baseUrl: baseUrl(), oauth: oauth() })
    expect(out).not.toContain(clientSecret)
    expect(code).toBe(0)
  })
})
