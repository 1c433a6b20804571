import '../../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsAppConfig } from '../../../../functions/feature-flags/aws-appconfig/aws-appconfig.ts'
import { isWrite } from '../../../conformance/common/requests.ts'
import { flagConformance } from '../../../conformance/flag.ts'
import { withState } from '../../../conformance/job.ts'
import { type ClientOptions, expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { type AppConfigServer, deployed, flagDocument, flagRow } from './fake.ts'

const turnOn = { state: 'on' }
const set = (input: object = {}, options?: ClientOptions) => request({ ...turnOn, ...input }, options)
const writes = () => server.calls.filter(isWrite).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)
const deployments = () => server.state.deployments.map(({ number, version, state }) => [number, version, state])
/** Returns a version of the profile. */
const version = (content: unknown, number = 1, contentType = 'application/json') => ({
  number,
  description: '',
  contentType,
  content,
})

const reason = 'Rollback initiated by alarm arn:aws:cloudwatch:eu-west-1:123456789012:alarm:errors'
const adminHint = 'Allow it under awsProviders in cdk.json, and deploy.'
const flagless = 'Version 1 of the profile ur8hx2f does not contain feature flags'
const variants = flagDocument({ checkout: { _variants: [{ name: 'a', enabled: true }] } })
/** Returns a function that deploys this version only. */
const withVersion =
  (...first: Parameters<typeof version>) =>
  ({ state }: AppConfigServer) =>
    Object.assign(state.versions, [version(...first)])
const ends = (state: Parameters<AppConfigServer['end']>[0]) => (server: AppConfigServer) => server.end(state, reason)
const waits = (state: Parameters<AppConfigServer['end']>[0]) => ({
  reach: ends(state),
  says: `${state} (deployment 2)`,
})
const fails = (state: Parameters<AppConfigServer['end']>[0]) => ({
  reach: ends(state),
  ends: 'fail' as const,
  says: `checkout in 54j1r29 was not set to on: deployment 2 ended as ${state}: ${reason}`,
})
const { server, client, request } = flagConformance(awsAppConfig, flagRow, {
  flag: 'checkout',
  awsError: (type, message) => ({ body: { Message: message }, headers: { 'x-amzn-errortype': type } }),
  unknown: {
    flag: 'AWS AppConfig has no flag no-such-flag in the deployed version 1. Flags: checkout, search, unset.',
    environment: 'Could not find Environment for ID no-such-one',
  },
  check: [{ query: new URLSearchParams('max_results=1') }],
  failedChecks: [
    {
      reason: 'NotFoundException to ListHostedConfigurationVersions: Could not find Configuration',
      connection: { profile: 'abcdefg' },
    },
  ],
  ignored: /hostedconfigurationversions$/,
  invalid: ['..', '.', 'a/b', ''].map((application) => ({ application })),
  invalidInputs: [
    { input: { percentage: 50 }, message: 'input.percentage is not supported by AWS AppConfig' },
    { input: { flag: 'with space' }, message: 'input.flag must be up to 64 letters' },
    { input: { flag: '__proto__' }, message: 'input.flag must be up to 64 letters' },
    { input: { project: 'shop' }, message: 'input.project is not supported' },
  ],
  refused: [
    { input: turnOn, reason: adminHint, change: withState({ denied: ['GET hostedconfigurationversions'] }) },
    { input: turnOn, reason: 'The flag checkout has variants', change: withVersion(variants) },
    { input: turnOn, reason: flagless, change: withVersion({ any: 'JSON' }, 1, 'text/plain') },
    { input: turnOn, reason: flagless, change: withVersion('plain text', 1, 'text/plain') },
    { input: turnOn, reason: flagless, change: withVersion('[1]', 1, 'text/plain') },
    { input: turnOn, reason: 'extraneous key [more] is not', change: withVersion({ ...flagDocument(), more: 1 }) },
    {
      input: turnOn,
      reason: 'These flags have not been deployed to 54j1r29 yet. Deploy a version in AWS',
      change: withState({ deployments: [] }),
    },
  ],
  pending: {
    noun: 'deployment',
    states: {
      DEPLOYING: waits('DEPLOYING'),
      BAKING: waits('BAKING'),
      ROLLING_BACK: waits('ROLLING_BACK'),
      COMPLETE: { reach: ends('COMPLETE'), ends: 'pass', says: 'checkout in 54j1r29 is on, and was off' },
      ROLLED_BACK: fails('ROLLED_BACK'),
      REVERTED: fails('REVERTED'),
    },
  },
})

test('AWS AppConfig: the connection accepts a predefined deployment strategy', () => {
  expect(client({ deploymentStrategy: 'AppConfig.AllAtOnce' }).connection).toBeDefined()
})

describe('AWS AppConfig: set', () => {
  test('creates a version that changes one flag and deploys it', async () => {
    const { outcome, job, wakeId } = await set({ comment: 'Größe – “ok”' })
    const url =
      'https://eu-west-1.console.aws.amazon.com/systems-manager/appconfig/applications/339ohji?region=eu-west-1'
    expect(outcome.data).toMatchObject({ pending: [{ id: '2', noun: 'deployment', url }] })
    expect(job).toMatchObject({ changes: [{ id: '2', flags: ['checkout'] }] })
    expect(wakeId).toBe('339ohji/54j1r29/2')
    const before = flagDocument()
    const after = { ...before, values: { ...before.values, checkout: { enabled: true } } }
    const description = `cloud-automation-webhooks ${keyOf(1)} on 1`
    expect(server.state.versions[1]).toEqual({ ...version(after, 2), description })
    const deployment = { version: '2', strategy: '1225qzk', description: 'Größe – “ok”' }
    expect(server.state.deployments[1]).toMatchObject(deployment)
  })

  test('describes the change in the deployment if there is no comment', async () => {
    await set()
    expect(server.state.deployments[1]?.description).toBe('checkout on')
  })

  test('sets several flags in one version and one deployment', async () => {
    const names = ['checkout', 'search', 'unset']
    const flags = names.map((flag) => ({ flag }))
    const { outcome } = await set({ flags })
    expect(outcome.message).toContain('deployment 2 for checkout, unset')
    expect(server.document(2).values).toEqual(Object.fromEntries(names.map((name) => [name, { enabled: true }])))
    expect(writes()).toEqual(['POST hostedconfigurationversions', 'POST deployments'])
  })

  test('keeps the other properties of a flag', async () => {
    const checkout = { enabled: false, limit: 7, _updatedAt: '2026-11-24T15:01:48.000Z' }
    server.state.versions[0] = version(flagDocument({ checkout }))
    await set()
    expect(server.document(2).values['checkout']).toEqual({ ...checkout, enabled: true })
  })

  test('changes the deployed version, not the newest', async () => {
    const draft = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
    server.state.versions.push(version(draft, 2))
    server.state.deployments.push(deployed(2, '2', 'ROLLED_BACK'))
    await set()
    expect(server.document(3).values).toEqual({ checkout: { enabled: true }, search: { enabled: true } })
    expect(deployments().at(-1)).toEqual([3, '3', 'DEPLOYING'])
  })

  test('finds the deployed version behind deployments of other profiles and pages of versions', async () => {
    for (let number = 2; number <= 120; number++) {
      server.state.versions.push(version({}, number))
      server.state.deployments.push(deployed(number, '1', 'COMPLETE', { profile: 'another' }))
    }
    await set()
    expect(deployments().at(-1)).toEqual([121, '121', 'DEPLOYING'])
    expect(server.document(121).values['checkout']).toEqual({ enabled: true })
  })
})

test.each([
  [adminHint, { denied: ['POST deployments'] }, {}],
  ['Could not find DeploymentStrategy for ID abcdefg', {}, { deploymentStrategy: 'abcdefg' }],
])('AWS AppConfig: a refusal of the deployment shows why: %s', async (words, state, fields) => {
  Object.assign(server.state, state)
  await expectFailure(request(turnOn, {}, fields), { kind: 'refused', mayHaveWritten: true }, words)
})

describe('AWS AppConfig: concurrent changes', () => {
  /** Runs something before the next request of this kind. */
  const beforeNext = (request: string, act: () => void) => {
    const { meanwhile } = server.state
    meanwhile[request] = () => {
      delete meanwhile[request]
      act()
    }
  }

  test('waits for a running deployment before creating a version', async () => {
    server.state.deployments.push(deployed(2, '1', 'BAKING'))
    await expectFailure(set(), 'platform', 'Deployment 2 to 54j1r29 is still running (BAKING). AWS AppConfig runs one')
    expect(writes()).toEqual([])
  })

  test('reuses the version after a deployment of another profile', async () => {
    server.state.deployments.push(deployed(2, '9', 'DEPLOYING', { profile: 'another' }))
    await expectFailure(set(), 'platform', 'Deployment number 2 already in progress')
    server.end('COMPLETE')
    await set({}, { isRetry: true })
    expect([server.state.versions.length, deployments().at(-1)]).toEqual([2, [3, '2', 'DEPLOYING']])
  })

  test('reads again after another client created a version', async () => {
    beforeNext('POST hostedconfigurationversions', () => server.state.versions.push(version(flagDocument(), 2)))
    await expectFailure(set(), 'platform', 'Latest version number is 2, not 1')
    await set()
    expect(deployments().at(-1)).toEqual([2, '3', 'DEPLOYING'])
  })

  test('does not revert a deployment that another client started', async () => {
    beforeNext('POST deployments', () => {
      const content = flagDocument({ checkout: { enabled: false }, search: { enabled: false } })
      server.state.versions.push(version(content, 3))
      server.state.deployments.push(deployed(2, '3', 'COMPLETE'))
    })
    await expectFailure(set(), 'platform', 'Latest deployment number is 2, not 1')
    await set({}, { isRetry: true })
    expect(server.document(4).values).toEqual({ checkout: { enabled: true }, search: { enabled: false } })
    expect(deployments().at(-1)).toEqual([3, '4', 'DEPLOYING'])
  })
})

describe('AWS AppConfig: repeated call', () => {
  test.each(['hostedconfigurationversions', 'deployments'])(
    'finds its version and deployment after the response of %s was lost',
    async (lost) => {
      const { meanwhile } = server.state
      if (lost === 'hostedconfigurationversions') server.loseNext('POST')
      else meanwhile['POST hostedconfigurationversions'] = () => server.loseNext('POST')
      expect(await failureOf(set())).toMatchObject({ kind: 'platform', mayHaveWritten: true })
      expect((await set({}, { isRetry: true })).job).toMatchObject({ changes: [{ id: '2' }] })
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
    const expected = [
      [2, '2', 'ROLLED_BACK'],
      [3, '3', 'DEPLOYING'],
    ]
    expect(deployments().slice(1)).toEqual(expected)
  })
})
