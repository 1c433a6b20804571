import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/feature-flags/actions.ts'
import { awsAppConfig } from '../../../functions/feature-flags/providers/aws-appconfig.ts'
import { deployed, flagDocument, startAppConfig } from '../../../infra/platforms/aws-appconfig.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import { flagConformance } from '../../conformance/flag.ts'
import { flagPlatforms } from '../../e2e/platforms.ts'
import { clientOf, failureOf, keyOf, startEach } from '../helpers.ts'
import { startedJob } from '../job.ts'

const server = startEach(startAppConfig)

type Options = Parameters<typeof clientOf>[2]

const setFlag = actions['set-flag']
const setFlags = actions['set-flags']
const { job } = setFlag
if (!job) throw new Error('set-flag must start a job')

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
const set = async (input: object = {}, options?: Options) =>
  startedJob(await setFlag.run(awsAppConfig, client(options), one(input)))
const getStatus = (started: StartedJob): Promise<PollResult> =>
  job.getStatus(awsAppConfig, client(), one(), started.job)
const writes = () => server.calls.filter(({ method }) => method === 'POST').map(({ path }) => path.split('/').at(-1))
const deployments = () => server.state.deployments.map(({ number, version, state }) => [number, version, state])

describe('AWS AppConfig: connection', () => {
  test('the connection test lists one version', async () => {
    await awsAppConfig.check(client())
    expect(server.calls.map(({ path, query }) => [path, query.get('max_results')])).toEqual([
      ['/applications/339ohji/configurationprofiles/ur8hx2f/hostedconfigurationversions', '1'],
    ])
  })

  test('reports an unknown profile', async () => {
    const elsewhere = clientOf(awsAppConfig, { ...connection(), profile: 'abcdefg' })
    const { kind, message } = await failureOf(Promise.resolve(awsAppConfig.check(elsewhere)))
    expect(kind).toBe('refused')
    expect(message).toBe(
      'AWS AppConfig answered ResourceNotFoundException to ListHostedConfigurationVersions: Could not find ConfigurationProfile for ID abcdefg',
    )
  })

  test('reports the permission to allow', async () => {
    server.state.denied = ['GET hostedconfigurationversions']
    const { message } = await failureOf(Promise.resolve(awsAppConfig.check(client())))
    expect(message).toContain('Allow it under awsProviders in cdk.json, and deploy.')
  })

  test('refuses ids that would change the path of a request', () => {
    for (const wrong of ['..', '.', 'a/b', '']) {
      expect(awsAppConfig.connection.safeParse({ ...connection(), application: wrong }).success).toBe(false)
    }
    for (const strategy of ['1225qzk', 'AppConfig.AllAtOnce']) {
      expect(awsAppConfig.connection.safeParse({ ...connection(), deploymentStrategy: strategy }).success).toBe(true)
    }
  })
})

describe('AWS AppConfig: invalid input', () => {
  test.each([
    [{ percentage: 50 }, 'input.percentage is not supported by AWS AppConfig'],
    [{ flag: 'with space' }, 'input.flag must be up to 64 letters'],
    [{ flag: '__proto__' }, 'input.flag must be up to 64 letters'],
    [{ project: 'shop' }, 'input.project is not supported'],
  ])('is refused: %j', async (input, message) => {
    const failure = await failureOf(Promise.resolve().then(() => one(input)))
    expect([failure.kind, failure.message]).toEqual(['invalid', expect.stringContaining(message)])
  })

  test.each(['..', '../x', 'a/b', ''])('refuses the environment "%s"', async (environment) => {
    const failure = await failureOf(set({ environment }))
    expect([failure.kind, server.calls]).toEqual(['invalid', []])
  })
})

describe('AWS AppConfig: set', () => {
  test('creates a version that changes one flag and deploys it', async () => {
    const { outcome, job: pending } = await set({ comment: 'Größe – “ok”' })
    const url =
      'https://eu-west-1.console.aws.amazon.com/systems-manager/appconfig/applications/339ohji?region=eu-west-1'
    expect(outcome).toMatchObject({
      result: 'warning',
      message: 'Not changed yet: waiting for deployment 2 for checkout. Use mode=interactive to wait for it',
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

  test('describes the change in the deployment if there is no comment', async () => {
    await set()
    expect(server.state.deployments[1]?.description).toBe('checkout on')
  })

  test('sets several flags in one version and one deployment', async () => {
    const input = setFlags.complete(
      { flags: [{ flag: 'checkout' }, { flag: 'search' }, { flag: 'unset' }], state: 'on' } as never,
      from(),
    )
    const { outcome } = await setFlags.run(awsAppConfig, client(), input)
    expect(outcome.message).toContain('deployment 2 for checkout, unset')
    expect(server.document(2).values).toEqual({
      checkout: { enabled: true },
      search: { enabled: true },
      unset: { enabled: true },
    })
    expect(writes()).toEqual(['hostedconfigurationversions', 'deployments'])
  })

  test('keeps the other properties of a flag', async () => {
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

  test('changes the deployed version, not the newest', async () => {
    const draft = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
    server.state.versions.push({ number: 2, description: '', contentType: 'application/json', content: draft })
    server.state.deployments.push(deployed(2, '2', 'ROLLED_BACK'))
    await set()
    expect(server.document(3).values).toEqual({ checkout: { enabled: true }, search: { enabled: true } })
    expect(deployments().at(-1)).toEqual([3, '3', 'DEPLOYING'])
  })

  test('finds the deployed version behind deployments of other profiles and pages of versions', async () => {
    for (let number = 2; number <= 120; number++) {
      server.state.versions.push({ number, description: '', contentType: 'application/json', content: {} })
      server.state.deployments.push(deployed(number, '1', 'COMPLETE', { profile: 'another' }))
    }
    await set()
    expect(deployments().at(-1)).toEqual([121, '121', 'DEPLOYING'])
    expect(server.document(121).values['checkout']).toEqual({ enabled: true })
  })

  test('shows the new version in a dry run', async () => {
    let intercepted: { method: string; body: string | undefined } | undefined
    const aws = clientOf(awsAppConfig, connection())
    const { connect } = await import('../../../shared/providers/connect.ts')
    const intercept = (request: { method: string; body: string | undefined }) => {
      intercepted = request
      throw new Error('dry run')
    }
    const dry = connect(
      { name: 'test', provider: awsAppConfig as never, values: aws.connection },
      { idempotencyKey: undefined, isRetry: false, deadlineAt: Date.now() + 9_000, intercept },
    )
    await expect(setFlag.run(awsAppConfig, dry, one())).rejects.toThrow('dry run')
    expect(intercepted?.method).toBe('CreateHostedConfigurationVersion')
    expect(JSON.parse(JSON.parse(intercepted?.body ?? '').Content).values.checkout).toEqual({ enabled: true })
    expect(writes()).toEqual([])
  })
})

describe('AWS AppConfig: refused', () => {
  test('an unknown flag, with the list of flags', async () => {
    const { kind, message } = await failureOf(set({ flag: 'chekout' }))
    expect(kind).toBe('refused')
    expect(message).toBe('AWS AppConfig has no flag chekout in the deployed version 1. Flags: checkout, search, unset.')
  })

  test('a flag with variants', async () => {
    const content = flagDocument({ checkout: { _variants: [{ name: 'a', enabled: true }] } })
    server.state.versions[0] = { number: 1, description: '', contentType: 'application/json', content }
    expect((await failureOf(set())).message).toContain('The flag checkout has variants')
  })

  test.each([[{ any: 'JSON' }], ['plain text'], ['[1]']])('a profile that contains %j', async (content) => {
    server.state.versions[0] = { number: 1, description: '', contentType: 'text/plain', content }
    const { kind, message } = await failureOf(set())
    expect(kind).toBe('refused')
    expect(message).toContain('Version 1 of the profile ur8hx2f does not contain feature flags')
  })

  test('an environment without a deployment', async () => {
    server.state.deployments.length = 0
    expect((await failureOf(set())).message).toBe(
      'These flags have not been deployed to 54j1r29 yet. Deploy a version in AWS AppConfig first.',
    )
  })

  test('an unknown environment or deployment strategy', async () => {
    expect((await failureOf(set({ environment: 'nowhere' }))).message).toContain(
      'Could not find Environment for ID nowhere',
    )
    const elsewhere = clientOf(awsAppConfig, { ...connection(), deploymentStrategy: 'abcdefg' })
    const failure = await failureOf(Promise.resolve(setFlag.run(awsAppConfig, elsewhere, one())))
    expect(failure.message).toContain('Could not find DeploymentStrategy for ID abcdefg')
  })

  test('a document that violates the schema', async () => {
    const content = { ...flagDocument(), more: 1 }
    server.state.versions[0] = { number: 1, description: '', contentType: 'application/json', content }
    const { kind, message } = await failureOf(set())
    expect([kind, message]).toEqual(['refused', expect.stringContaining('extraneous key [more] is not permitted')])
  })

  test('a request that the role does not allow', async () => {
    server.state.denied = ['POST deployments']
    const { kind, message } = await failureOf(set())
    expect([kind, message]).toEqual(['refused', expect.stringContaining('Allow it under awsProviders in cdk.json')])
  })
})

describe('AWS AppConfig: concurrent changes', () => {
  test('waits for a running deployment before creating a version', async () => {
    server.state.deployments.push(deployed(2, '1', 'BAKING'))
    const { kind, transient, message } = await failureOf(set())
    expect([kind, transient, writes()]).toEqual(['platform', true, []])
    expect(message).toBe(
      'Deployment 2 to 54j1r29 is still running (BAKING). AWS AppConfig runs one deployment at a time.',
    )
  })

  test('reuses the version after a deployment of another profile', async () => {
    server.state.deployments.push(deployed(2, '9', 'DEPLOYING', { profile: 'another' }))
    const { transient, message } = await failureOf(set())
    expect([transient, message]).toEqual([true, expect.stringContaining('Deployment number 2 already in progress')])
    server.end('COMPLETE')
    await set({}, { isRetry: true })
    expect([server.state.versions.length, deployments().at(-1)]).toEqual([2, [3, '2', 'DEPLOYING']])
  })

  test('reads again after another client created a version', async () => {
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

  test('does not revert a deployment that another client started', async () => {
    const { versions, deployments: all, meanwhile } = server.state
    meanwhile['POST deployments'] = () => {
      delete meanwhile['POST deployments']
      const content = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
      versions.push({ number: 3, description: '', contentType: 'application/json', content })
      all.push(deployed(2, '3', 'COMPLETE'))
    }
    const { transient, message } = await failureOf(set())
    expect([transient, message]).toEqual([true, expect.stringContaining('Latest deployment number is 2, not 1')])
    await set({}, { isRetry: true })
    expect(server.document(4).values).toEqual({ checkout: { enabled: true }, search: { enabled: false } })
    expect(deployments().at(-1)).toEqual([3, '4', 'DEPLOYING'])
  })
})

describe('AWS AppConfig: repeated call', () => {
  test('finds the version and the deployment', async () => {
    await set()
    const { job: pending } = await set({}, { isRetry: true })
    expect(pending).toMatchObject({ changes: [{ id: '2' }] })
    expect(writes()).toEqual(['hostedconfigurationversions', 'deployments'])
  })

  test.each(['hostedconfigurationversions', 'deployments'])(
    'finds them after the response of %s was lost',
    async (lost) => {
      const { meanwhile } = server.state
      if (lost === 'hostedconfigurationversions') server.loseNext('POST')
      else meanwhile['POST hostedconfigurationversions'] = () => server.loseNext('POST')
      const failure = await failureOf(set())
      expect([failure.kind, failure.mayHaveWritten]).toEqual(['platform', true])
      const started = await set({}, { isRetry: true })
      expect(started.job).toMatchObject({ changes: [{ id: '2' }] })
      expect([server.state.versions.length, server.state.deployments.length]).toEqual([2, 2])
    },
  )

  test('creates another version without an idempotency key', async () => {
    await set({}, { key: undefined })
    expect(server.state.versions[1]?.description).toBe('')
    server.end('ROLLED_BACK')
    await set({}, { key: undefined })
    expect(server.state.versions).toHaveLength(3)
  })

  test('creates another version for another event', async () => {
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

describe('AWS AppConfig: deployment', () => {
  test.each(['DEPLOYING', 'BAKING', 'ROLLING_BACK'] as const)('waits while it is %s', async (state) => {
    const started = await set()
    server.end(state)
    expect(await getStatus(started)).toEqual({ status: `${state} (deployment 2)` })
  })

  test('passes if it is complete', async () => {
    const started = await set()
    server.end('COMPLETE')
    expect(await getStatus(started)).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'pass',
        message: 'checkout in 54j1r29 is on, and was off',
        data: { before: { state: 'off' }, after: { state: 'on' }, changed: true },
      },
    })
  })

  test.each(['ROLLED_BACK', 'REVERTED'] as const)('fails with the reason if it is %s', async (state) => {
    const started = await set()
    server.end(state, 'Rollback initiated by alarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors')
    expect(await getStatus(started)).toMatchObject({
      outcome: {
        result: 'fail',
        message: `checkout in 54j1r29 was not set to on: deployment 2 ended as ${state}: Rollback initiated by alarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors`,
        data: { after: { state: 'off' }, changed: false },
      },
    })
  })

  test('can be polled again after an error', async () => {
    const started = await set()
    server.failNext(500, { Message: 'oops' }, { headers: { 'x-amzn-errortype': 'InternalServerException' } })
    expect((await failureOf(getStatus(started))).transient).toBe(true)
    server.state.deployments.length = 1
    expect((await failureOf(getStatus(started))).message).toContain('Could not find Deployment 2')
  })
})

flagConformance(awsAppConfig, flagPlatforms['aws-appconfig'], { unexpectedBodies: { text: 'refused' } })
