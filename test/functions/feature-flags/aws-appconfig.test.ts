import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/feature-flags/actions.ts'
import { awsAppConfig } from '../../../functions/feature-flags/providers/aws-appconfig.ts'
import { type AppConfigServer, deployed, flagDocument, startAppConfig } from '../../../infra/platforms/aws-appconfig.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Outcome } from '../../../shared/outcome.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: AppConfigServer
beforeEach(async () => {
  server = await startAppConfig()
})
afterEach(() => server.close())

type Options = Parameters<typeof clientOf>[2]

const setFlag = actions['set-flag']
const setFlags = actions['set-flags']
const { job } = setFlag
if (!job) throw new Error('A flag is followed')

const connection = () => ({
  endpoint: server.url,
  region: 'eu-west-1',
  application: server.application,
  profile: server.profile,
  environment: server.environment,
  deploymentStrategy: server.strategy,
})
const client = (options?: Options) => clientOf(awsAppConfig, connection(), options)
const from = () => ({ event: { data: {} } as never, connection: connection(), provider: awsAppConfig })
const one = (input: object = {}) => setFlag.complete({ flag: 'checkout', state: 'on', ...input } as never, from())
const set = (input: object = {}, options?: Options) =>
  setFlag.run(awsAppConfig, client(options), one(input)) as Promise<Outcome & StartedJob>
const look = (begun: StartedJob): Promise<PollResult> => job.getStatus(awsAppConfig, client(), one(), begun.job)
const writes = () => server.calls.filter(({ method }) => method === 'POST').map(({ path }) => path.split('/').at(-1))
const deployments = () => server.state.deployments.map(({ number, version, state }) => [number, version, state])

describe('the connection', () => {
  test('is checked by a list of one version', async () => {
    await awsAppConfig.check(client())
    expect(server.calls.map(({ path, query }) => [path, query.get('max_results')])).toEqual([
      ['/applications/339ohji/configurationprofiles/ur8hx2f/hostedconfigurationversions', '1'],
    ])
  })

  test('to a profile that is not there says so in the words of AWS', async () => {
    const elsewhere = clientOf(awsAppConfig, { ...connection(), profile: 'abcdefg' })
    const { kind, message } = await failureOf(Promise.resolve(awsAppConfig.check(elsewhere)))
    expect(kind).toBe('refused')
    expect(message).toBe(
      'AWS AppConfig answered ResourceNotFoundException to ListHostedConfigurationVersions: Could not find ConfigurationProfile for ID abcdefg',
    )
  })

  test('that may not is told what to allow', async () => {
    server.state.denied = ['GET hostedconfigurationversions']
    const { message } = await failureOf(Promise.resolve(awsAppConfig.check(client())))
    expect(message).toContain('Allow it under awsProviders in cdk.json, and deploy.')
  })

  test('holds no secrets, and nothing that would lead elsewhere', () => {
    expect(secretsIn(awsAppConfig.connection, connection())).toEqual([])
    for (const wrong of ['..', '.', 'a/b', '']) {
      expect(awsAppConfig.connection.safeParse({ ...connection(), application: wrong }).success).toBe(false)
    }
    for (const strategy of ['1225qzk', 'AppConfig.AllAtOnce']) {
      expect(awsAppConfig.connection.safeParse({ ...connection(), deploymentStrategy: strategy }).success).toBe(true)
    }
  })
})

describe('what AppConfig has nothing for is refused before the call is accepted:', () => {
  test.each([
    [{ percentage: 50 }, 'input.percentage is of no use'],
    [{ flag: 'with space' }, 'input.flag is no key of a flag'],
    [{ flag: '__proto__' }, 'input.flag is no key of a flag'],
    [{ project: 'shop' }, 'input.project is of no use'],
  ])('%j', async (input, message) => {
    const failure = await failureOf(Promise.resolve().then(() => one(input)))
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(message)])
  })

  test.each(['..', '../x', 'a/b', ''])('the environment "%s"', async (environment) => {
    const failure = await failureOf(set({ environment }))
    expect([failure.kind, server.calls]).toEqual(['invalid', []])
  })
})

describe('set', () => {
  test('makes a version with one flag changed, and deploys it', async () => {
    const { outcome, job: pending } = await set({ comment: 'Größe – “ok”' })
    const url =
      'https://eu-west-1.console.aws.amazon.com/systems-manager/appconfig/applications/339ohji?region=eu-west-1'
    expect(outcome).toMatchObject({
      result: 'warning',
      message: 'Not changed yet, since it waits for deployment 2 for checkout: mode=interactive waits for its end',
      data: { before: { state: 'off' }, changed: false, pending: [{ id: '2', noun: 'deployment', url }] },
    })
    expect(pending).toMatchObject({ changes: [{ id: '2', flags: ['checkout'] }] })
    const before = flagDocument()
    const after = { ...before, values: { ...before.values, checkout: { enabled: true } } }
    expect(server.state.versions[1]).toEqual({
      number: 2,
      description: `cloud-automation-webhooks ${keyOf(1)} on 1`,
      contentType: 'application/json',
      content: after,
    })
    expect(server.state.deployments[1]).toMatchObject({
      version: '2',
      strategy: '1225qzk',
      description: 'Größe – “ok”',
    })
  })

  test('says in the deployment what is changed where nobody says why', async () => {
    await set()
    expect(server.state.deployments[1]?.description).toBe('checkout on')
  })

  test('sets several flags in one version and one deployment', async () => {
    const input = setFlags.complete(
      { flags: [{ flag: 'checkout' }, { flag: 'search' }, { flag: 'unset' }], state: 'on' } as never,
      from(),
    )
    const { outcome } = (await setFlags.run(awsAppConfig, client(), input)) as StartedJob
    expect(outcome.message).toContain('deployment 2 for checkout, unset')
    expect(server.document(2).values).toEqual({
      checkout: { enabled: true },
      search: { enabled: true },
      unset: { enabled: true },
    })
    expect(writes()).toEqual(['hostedconfigurationversions', 'deployments'])
  })

  test('keeps all else of a flag as it is', async () => {
    const checkout = { enabled: false, limit: 7, _updatedAt: '2026-11-24T15:01:48.000Z' }
    server.state.versions[0] = {
      number: 1,
      description: '',
      contentType: 'application/json',
      content: flagDocument({ checkout }),
    }
    await set()
    expect(server.document(2).values['checkout']).toEqual({ ...checkout, enabled: true })
  })

  test('writes nothing where it is so already', async () => {
    const outcome = await set({ flag: 'search' })
    expect([outcome.result, outcome.message]).toEqual(['pass', 'search in 54j1r29 was on already'])
    expect(writes()).toEqual([])
  })

  test('changes the version that is deployed, not the newest, which may be meant for elsewhere', async () => {
    const draft = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
    server.state.versions.push({ number: 2, description: '', contentType: 'application/json', content: draft })
    server.state.deployments.push(deployed(2, '2', 'ROLLED_BACK'))
    await set()
    expect(server.document(3).values).toEqual({ checkout: { enabled: true }, search: { enabled: true } })
    expect(deployments().at(-1)).toEqual([3, '3', 'DEPLOYING'])
  })

  test('sees what is deployed behind many deployments of others and pages of versions', async () => {
    for (let number = 2; number <= 120; number++) {
      server.state.versions.push({ number, description: '', contentType: 'application/json', content: {} })
      server.state.deployments.push(deployed(number, '1', 'COMPLETE', { profile: 'another' }))
    }
    await set()
    expect(deployments().at(-1)).toEqual([121, '121', 'DEPLOYING'])
    expect(server.document(121).values['checkout']).toEqual({ enabled: true })
  })

  test('shows in a dry run the version that it would make', async () => {
    let shown: { method: string; body: string | undefined } | undefined
    const aws = clientOf(awsAppConfig, connection())
    const { connect } = await import('../../../shared/providers/connect.ts')
    const intercept = (request: { method: string; body: string | undefined }) => {
      shown = request
      throw new Error('dry run')
    }
    const dry = connect(
      { name: 'test', provider: awsAppConfig as never, values: aws.connection },
      { idempotencyKey: undefined, isRetry: false, deadlineAt: Date.now() + 9_000, intercept },
    )
    await expect(setFlag.run(awsAppConfig, dry, one())).rejects.toThrow('dry run')
    expect(shown?.method).toBe('CreateHostedConfigurationVersion')
    expect(JSON.parse(JSON.parse(shown?.body ?? '').Content).values.checkout).toEqual({ enabled: true })
    expect(writes()).toEqual([])
  })
})

describe('is refused:', () => {
  test('a flag that is not in the document, with those that are', async () => {
    const { kind, message } = await failureOf(set({ flag: 'chekout' }))
    expect(kind).toBe('refused')
    expect(message).toBe(
      'AWS AppConfig has no flag chekout in version 1, which is deployed; it has: checkout, search, unset.',
    )
  })

  test('a flag with variants', async () => {
    const content = flagDocument({ checkout: { _variants: [{ name: 'a', enabled: true }] } })
    server.state.versions[0] = { number: 1, description: '', contentType: 'application/json', content }
    expect((await failureOf(set())).message).toContain('The flag checkout has variants')
  })

  test.each([[{ any: 'JSON' }], ['plain text'], ['[1]']])('a profile that holds %j', async (content) => {
    server.state.versions[0] = { number: 1, description: '', contentType: 'text/plain', content }
    const { kind, message } = await failureOf(set())
    expect(kind).toBe('refused')
    expect(message).toContain('Version 1 of the profile ur8hx2f is no document of flags')
  })

  test('an environment to which nothing was deployed', async () => {
    server.state.deployments.length = 0
    expect((await failureOf(set())).message).toBe(
      'AWS AppConfig has not deployed these flags to 54j1r29 yet: deploy a version of them once.',
    )
  })

  test('an environment or a strategy that is not there, in the words of AWS', async () => {
    expect((await failureOf(set({ environment: 'nowhere' }))).message).toContain(
      'Could not find Environment for ID nowhere',
    )
    const elsewhere = clientOf(awsAppConfig, { ...connection(), deploymentStrategy: 'abcdefg' })
    const failure = await failureOf(Promise.resolve(setFlag.run(awsAppConfig, elsewhere, one())))
    expect(failure.message).toContain('Could not find DeploymentStrategy for ID abcdefg')
  })

  test('what its schema forbids, in the words of AWS', async () => {
    const content = { ...flagDocument(), more: 1 }
    server.state.versions[0] = { number: 1, description: '', contentType: 'application/json', content }
    const { kind, message } = await failureOf(set())
    expect([kind, message]).toEqual(['refused', expect.stringContaining('extraneous key [more] is not permitted')])
  })

  test('what the role may not do', async () => {
    server.state.denied = ['POST deployments']
    const { kind, message } = await failureOf(set())
    expect([kind, message]).toEqual(['refused', expect.stringContaining('Allow it under awsProviders in cdk.json')])
  })
})

describe('others at the same time:', () => {
  test('a deployment that is under way is waited for, and no version is made', async () => {
    server.state.deployments.push(deployed(2, '1', 'BAKING'))
    const { kind, transient, message } = await failureOf(set())
    expect([kind, transient, writes()]).toEqual(['platform', true, []])
    expect(message).toBe('AWS AppConfig is still busy with deployment 2 to 54j1r29 (BAKING), and makes one at a time.')
  })

  test('one of another profile is told in the words of AWS, and the version is used again', async () => {
    server.state.deployments.push(deployed(2, '9', 'DEPLOYING', { profile: 'another' }))
    const { transient, message } = await failureOf(set())
    expect([transient, message]).toEqual([true, expect.stringContaining('Deployment number 2 already in progress')])
    server.end('COMPLETE')
    await set({}, { repeated: true })
    expect([server.state.versions.length, deployments().at(-1)]).toEqual([2, [3, '2', 'DEPLOYING']])
  })

  test('a version that is made in between is read anew', async () => {
    const { versions, meanwhile } = server.state
    meanwhile['POST hostedconfigurationversions'] = () => {
      delete meanwhile['POST hostedconfigurationversions']
      versions.push({ number: 2, description: '', contentType: 'application/json', content: flagDocument() })
    }
    const { transient, message } = await failureOf(set())
    expect([transient, message]).toEqual([true, expect.stringContaining('Latest version number is 2, not 1')])
    await set()
    expect(deployments().at(-1)).toEqual([2, '3', 'DEPLOYING'])
  })

  test('a deployment that is made in between is not undone', async () => {
    const { versions, deployments: all, meanwhile } = server.state
    meanwhile['POST deployments'] = () => {
      delete meanwhile['POST deployments']
      const content = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
      versions.push({ number: 3, description: '', contentType: 'application/json', content })
      all.push(deployed(2, '3', 'COMPLETE'))
    }
    const { transient, message } = await failureOf(set())
    expect([transient, message]).toEqual([true, expect.stringContaining('Latest deployment number is 2, not 1')])
    await set({}, { repeated: true })
    expect(server.document(4).values).toEqual({ checkout: { enabled: true }, search: { enabled: false } })
    expect(deployments().at(-1)).toEqual([3, '4', 'DEPLOYING'])
  })
})

describe('a repeat', () => {
  test('finds version and deployment, and makes neither twice', async () => {
    await set()
    const { job: pending } = await set({}, { repeated: true })
    expect(pending).toMatchObject({ changes: [{ id: '2' }] })
    expect(writes()).toEqual(['hostedconfigurationversions', 'deployments'])
  })

  test.each(['hostedconfigurationversions', 'deployments'])('after the answer of %s was lost', async (lost) => {
    const { meanwhile } = server.state
    if (lost === 'hostedconfigurationversions') server.loseNext('POST')
    else meanwhile['POST hostedconfigurationversions'] = () => server.loseNext('POST')
    const failure = await failureOf(set())
    expect([failure.kind, failure.afterWrite]).toEqual(['platform', true])
    const begun = await set({}, { repeated: true })
    expect(begun.job).toMatchObject({ changes: [{ id: '2' }] })
    expect([server.state.versions.length, server.state.deployments.length]).toEqual([2, 2])
  })

  test('without a key is another change', async () => {
    await set({}, { key: undefined })
    expect(server.state.versions[1]?.description).toBe('')
    server.end('ROLLED_BACK')
    await set({}, { key: undefined })
    expect(server.state.versions).toHaveLength(3)
  })

  test('of another call does not find it', async () => {
    await set()
    server.end('ROLLED_BACK')
    await set({}, { key: keyOf(2) })
    expect(deployments()).toEqual([
      [1, '1', 'COMPLETE'],
      [2, '2', 'ROLLED_BACK'],
      [3, '3', 'DEPLOYING'],
    ])
  })
})

describe('a deployment', () => {
  test.each(['DEPLOYING', 'BAKING', 'ROLLING_BACK'] as const)('that is %s goes on', async (state) => {
    const begun = await set()
    server.end(state)
    expect(await look(begun)).toEqual({ status: `${state} (deployment 2)` })
  })

  test('that is complete has changed the flag, as read back', async () => {
    const begun = await set()
    server.end('COMPLETE')
    expect(await look(begun)).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'pass',
        message: 'checkout in 54j1r29 is on, and was off',
        data: { before: { state: 'off' }, after: { state: 'on' }, changed: true },
      },
    })
  })

  test.each(['ROLLED_BACK', 'REVERTED'] as const)('that is %s has changed nothing, and says why', async (state) => {
    const begun = await set()
    server.end(state, 'Rollback initiated by alarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors')
    expect(await look(begun)).toMatchObject({
      outcome: {
        result: 'fail',
        message: `checkout in 54j1r29 was not set to on: deployment 2 ended as ${state}: Rollback initiated by alarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors`,
        data: { after: { state: 'off' }, changed: false },
      },
    })
  })

  test('that can not be seen is looked at again', async () => {
    const begun = await set()
    server.failNext(500, { Message: 'oops' }, { headers: { 'x-amzn-errortype': 'InternalServerException' } })
    expect((await failureOf(look(begun))).transient).toBe(true)
    server.state.deployments.length = 1
    expect((await failureOf(look(begun))).message).toContain('Could not find Deployment 2')
  })
})

test('throttling is waited for as long as AWS says', async () => {
  const headers = { 'x-amzn-errortype': 'TooManyRequestsException', 'retry-after': '5' }
  server.failNext(429, { message: 'Too many' }, { headers })
  const { kind, retryAfter } = await failureOf(set())
  expect([kind, retryAfter]).toEqual(['platform', 5])
})
