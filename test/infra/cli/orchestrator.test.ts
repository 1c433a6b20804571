import { beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { PERSONAL_TOKEN, startAzureDevops } from '../../shared/orchestrators/azure-devops/server.ts'
import { SIGNING_KEY, startReceiver } from '../../shared/orchestrators/callback/receiver.ts'
import { aws } from './aws.ts'
import { sandbox } from './sandbox.ts'
import { atTerminal, enter, type Keys, webhooks } from './webhooks.ts'

const secret = 'cloud-automation-webhooks/orchestrators/keptn'
beforeEach(() => aws.reset())

const add = (value: object, options = '') =>
  webhooks(`orchestrator add keptn --from-file - ${options}`, { env: aws.env, stdin: JSON.stringify(value) })
const passed = (text = 'Connection test passed') => ({ code: 0, out: expect.stringContaining(text) })
const failed = (text: string) => ({ code: 1, out: expect.stringContaining(text) })
const baseUrl = () => `${sandbox.url}/sandbox/keptn`
const oauth = (more: object = {}) => ({
  tokenUrl: `${sandbox.url}/sandbox/sso/oauth2/token`,
  ...demo.oauth,
  ...more,
})
const stored = (name = 'keptn') => aws.stored(`orchestrators/${name}`)

describe('webhooks orchestrator add', () => {
  it('tests and saves a token', async () => {
    const out = `Connection test passed.\nSaved ${secret} in Secrets Manager (eu-west-1).\n`
    expect(await add({ baseUrl: baseUrl(), token: demo.keptnToken })).toMatchObject({ code: 0, out })
    expect(stored()).toEqual({ type: 'keptn', baseUrl: baseUrl(), token: demo.keptnToken })
  })

  it('reports the missing scope of an OAuth client', async () => {
    expect(await add({ baseUrl: baseUrl(), oauth: oauth() }, '--dry-run')).toMatchObject({ code: 0 })
    const refused = await add({ baseUrl: baseUrl(), oauth: oauth({ scope: 'cloudautomation:events:write' }) })
    expect(refused).toMatchObject(failed('the token lacks the scope cloudautomation:events:read'))
    expect(refused.out).not.toContain(demo.oauth.clientSecret)
  })

  it('does not save an invalid token or the URL of another API', async () => {
    const wrong = await add({ baseUrl: baseUrl(), token: 'a-wrong-token' })
    expect(wrong).toMatchObject(failed('Keptn answered 401'))
    expect(wrong.out).not.toContain('a-wrong-token')
    const elsewhere = await add({ baseUrl: `${sandbox.url}/sandbox/github`, token: demo.githubToken })
    expect([elsewhere.code, stored()]).toEqual([1, null])
  })

  it('tests and saves an orchestrator of another type', async () => {
    const receiver = await startReceiver()
    const urls = { url: `${receiver.url}/done`, allow: [`${receiver.url}/wait/`] }
    const value = { type: 'callback', ...urls, signingKey: SIGNING_KEY }
    const saved = await add(value)
    expect(saved).toMatchObject(passed())
    expect(saved.out).not.toContain(SIGNING_KEY)
    expect(stored()).toEqual(value)
    receiver.down()
    expect(await add(value)).toMatchObject(failed('Nothing was saved'))
    await receiver.close()
  })

  it('tests the collections and the token of Azure DevOps', async () => {
    const azure = await startAzureDevops()
    const value = { type: 'azure-devops', collections: [azure.collection], token: PERSONAL_TOKEN }
    expect(await add(value)).toMatchObject(passed())
    expect(stored()).toEqual(value)
    const expired = { ...value, token: 'an-expired-personal-token' }
    expect(await add(expired, '--dry-run')).toMatchObject(failed('Azure DevOps answered 401'))
    await azure.close()
  })

  it('tests and saves a Dynatrace environment, with the workflows that calls may name', async () => {
    const url = `${sandbox.url}/sandbox/dynatrace`
    const value = {
      type: 'dynatrace',
      baseUrl: url,
      token: demo.dynatracePlatformToken,
      answer: ['event', 'run'],
      workflows: [demo.workflows.continuation],
      ingestUrl: url,
      ingestToken: demo.dynatraceToken,
    }
    const saved = await add(value)
    expect(saved).toMatchObject(passed())
    expect(stored()).toEqual(value)
    expect(saved.out).not.toContain(demo.dynatraceToken)
  })

  it('prompts for the settings of the type that has the name of the orchestrator', async () => {
    const collections = ['https://dev.azure.com/contoso/']
    const keys: Keys = [
      ['collections', `${collections}${enter}`],
      ['Which optional fields do', enter],
    ]
    const ended = await atTerminal('orchestrator add azure-devops --no-check', keys, { env: aws.env })
    expect(ended).toMatchObject(passed('Saved'))
    expect(stored('azure-devops')).toEqual({ type: 'azure-devops', collections })
  })

  it('prompts for each field of an OAuth client at a terminal', async () => {
    const { clientId, clientSecret } = demo.oauth
    const keys: Keys = [
      ['Which credentials?', `\x1b[B${enter}`],
      ['baseUrl:', `${baseUrl()}${enter}`],
      ['tokenUrl:', `${oauth().tokenUrl}${enter}`],
      ['clientId:', `${clientId}${enter}`],
      ['clientSecret:', `${clientSecret}${enter}`],
      ['Which optional fields of oauth', enter],
      ['Which optional fields do', enter],
    ]
    const { code, out } = await atTerminal('orchestrator add keptn', keys, { env: aws.env })
    expect([code, stored()]).toEqual([0, { type: 'keptn', baseUrl: baseUrl(), oauth: oauth() }])
    expect(out).not.toContain(clientSecret)
  })
})
