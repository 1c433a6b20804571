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

  test('returns the error of AWS for an unknown secret', async () => {
    await expect(get('app/nothing')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
      $metadata: { httpStatusCode: 400 },
    })
    await expect(get('other', { VersionStage: 'AWSPREVIOUS' })).rejects.toMatchObject({
      message: "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
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

describe('CreateSecret and PutSecretValue', () => {
  const create = (more: object) => client.send(new CreateSecretCommand({ Name: 'made/one', ...more }))
  const put = (more: object) => client.send(new PutSecretValueCommand({ SecretId: 'made/one', ...more }))

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

  test('return the errors of AWS for an existing and for an unknown secret', async () => {
    await expect(create({ Name: 'other', SecretString: 'x' })).rejects.toMatchObject({
      name: 'ResourceExistsException',
      message: 'The operation failed because the secret other already exists.',
      $metadata: { httpStatusCode: 400 },
    })
    await expect(put({ SecretId: 'made/none', SecretString: 'x' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
    })
    expect(secrets.get('other')).toBe('plain text')
  })

  test('reject an invalid name and a missing value', async () => {
    await expect(create({ Name: 'a b', SecretString: 'x' })).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(create({ Name: 'made/empty' })).rejects.toMatchObject({ name: 'InvalidParameterException' })
    expect([...secrets.keys()]).not.toContain('made/empty')
  })

  test('are rejected if secrets are read-only', async () => {
    const { cloud } = await start({ state: folder.file('read-only'), functions: [] })
    const other = new SecretsManagerClient({ endpoint: cloud.endpoint, region: 'eu-west-1', credentials })
    await expect(other.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    })
  })
})
