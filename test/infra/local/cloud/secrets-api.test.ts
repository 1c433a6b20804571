import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { credentials, folder, plain, start, startBefore } from './harness.ts'

const secrets = new Map([
  ['app/callers', '{"demo":{}}'],
  ['app/orchestrators/local', '{"token":"one"}'],
  ['other', 'plain text'],
])
const running = startBefore(() => ({
  functions: plain(['secret']),
  secret: (name) => secrets.get(name),
  secretNames: () => [...secrets.keys()],
  putSecret: (name, value) => secrets.set(name, value),
}))
let client: SecretsManagerClient
beforeAll(() => {
  client = new SecretsManagerClient({ endpoint: running.cloud.endpoint, region: 'eu-west-1', credentials })
})

const get = (SecretId: string, more: object = {}) => client.send(new GetSecretValueCommand({ SecretId, ...more }))

const create = (more: object) => client.send(new CreateSecretCommand({ Name: 'made/one', ...more }))
const put = (more: object) => client.send(new PutSecretValueCommand({ SecretId: 'made/one', ...more }))

describe('GetSecretValue', () => {
  test('returns a secret by name and by ARN', async () => {
    const byName = await get('app/callers')
    expect(byName).toMatchObject({
      Name: 'app/callers',
      SecretString: '{"demo":{}}',
      ARN: expect.stringMatching(/^arn:aws:secretsmanager:eu-west-1:000000000000:secret:app\/callers-\w{6}$/),
      VersionStages: ['AWSCURRENT'],
    })
    await expect(get(byName.ARN ?? '')).resolves.toMatchObject({ SecretString: '{"demo":{}}' })
    await expect(get((byName.ARN ?? '').slice(0, -7))).resolves.toMatchObject({ SecretString: '{"demo":{}}' })
  })

  test('returns a rotated secret immediately with another version', async () => {
    const before = await get('app/orchestrators/local')
    secrets.set('app/orchestrators/local', '{"token":"two"}')
    const after = await get('app/orchestrators/local')
    expect(after.SecretString).toBe('{"token":"two"}')
    expect(after.VersionId).not.toBe(before.VersionId)
    await expect(get('app/orchestrators/local', { VersionId: before.VersionId })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  test('can be called by functions', async () => {
    await expect(running.cloud.invoke('secret', { id: 'other' })).resolves.toEqual({ result: { value: 'plain text' } })
    await expect(running.cloud.invoke('secret', { id: 'none' })).resolves.toMatchObject({
      error: { errorType: 'ResourceNotFoundException' },
    })
  })
})

describe('ListSecrets', () => {
  const list = async (more: object) => {
    const { SecretList = [], NextToken } = await client.send(new ListSecretsCommand(more))
    return { names: SecretList.map(({ Name }) => Name), NextToken, keys: SecretList.flatMap(Object.keys) }
  }

  test('returns names without values, filtered and in pages', async () => {
    const all = await list({})
    expect(all.names).toEqual(['app/callers', 'app/orchestrators/local', 'other'])
    expect(new Set(all.keys)).toEqual(new Set(['ARN', 'Name']))
    await expect(list({ Filters: [{ Key: 'name', Values: ['app/'] }] })).resolves.toMatchObject({
      names: ['app/callers', 'app/orchestrators/local'],
    })
    const first = await list({ MaxResults: 2 })
    expect(first.names).toHaveLength(2)
    await expect(list({ MaxResults: 2, NextToken: first.NextToken })).resolves.toMatchObject({ names: ['other'] })
  })
})

const notFound = {
  name: 'ResourceNotFoundException',
  $metadata: { httpStatusCode: 400 },
  message: "Secrets Manager can't find the specified secret.",
}
const noStage = {
  message: "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
}
const exists = {
  name: 'ResourceExistsException',
  $metadata: { httpStatusCode: 400 },
  message: 'The operation failed because the secret other already exists.',
}
const SecretString = 'x'

test.each([
  ['GetSecretValue of an unknown secret', () => get('app/nothing'), notFound],
  ['GetSecretValue of another stage', () => get('other', { VersionStage: 'AWSPREVIOUS' }), noStage],
  ['CreateSecret of an existing secret', () => create({ Name: 'other', SecretString }), exists],
  ['CreateSecret with an invalid name', () => create({ Name: 'a b', SecretString }), { name: 'ValidationException' }],
  ['CreateSecret without a value', () => create({ Name: 'made/empty' }), { name: 'InvalidParameterException' }],
  ['PutSecretValue of an unknown secret', () => put({ SecretId: 'made/none', SecretString }), notFound],
])('%s returns the error of AWS and changes nothing', async (_what, call: () => Promise<unknown>, error) => {
  const before = [...secrets]
  await expect(call()).rejects.toMatchObject(error)
  expect([...secrets]).toEqual(before)
})

describe('CreateSecret and PutSecretValue', () => {
  test('save a secret, each value with another version', async () => {
    const created = await create({ SecretString: 'first' })
    expect(created).toMatchObject({ Name: 'made/one', ARN: expect.stringContaining(':secret:made/one-') })
    await expect(get('made/one')).resolves.toMatchObject({ SecretString: 'first', VersionId: created.VersionId })
    const changed = await put({ SecretString: 'second' })
    expect(changed).toMatchObject({ Name: 'made/one', VersionStages: ['AWSCURRENT'] })
    expect(changed.VersionId).not.toBe(created.VersionId)
    await expect(get(created.ARN ?? '')).resolves.toMatchObject({
      SecretString: 'second',
      VersionId: changed.VersionId,
    })
  })

  test('are rejected if secrets are read-only', async () => {
    const { cloud } = await start({ state: folder.file('read-only'), functions: [] })
    const other = new SecretsManagerClient({ endpoint: cloud.endpoint, region: 'eu-west-1', credentials })
    await expect(other.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    })
  })
})
