import { InvokeCommand } from '@aws-sdk/client-lambda'
import { describe, expect, test } from '@jest/globals'
import { authorizationWith } from '../../../../infra/local/cloud/index.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { credentials, durable, folder, plain, start, startBefore } from './harness.ts'

const running = startBefore(() => ({
  functions: [...plain(['plain'], { environment: { COLOR: 'blue' }, memoryMb: 256 }), ...durable(['greet'])],
  timeScale: 600,
}))

const ARN = 'arn:aws:lambda:eu-west-1:000000000000:function'
const asynchronous = { InvocationType: 'Event' }
const text = (bytes: Uint8Array | undefined) => (bytes?.length ? new TextDecoder().decode(bytes) : '')
const bytes = (value: string) => new TextEncoder().encode(value)

async function invoke(FunctionName: string, payload = '{}', more: object = {}) {
  const response = await running.lambda.send(new InvokeCommand({ FunctionName, Payload: bytes(payload), ...more }))
  return { ...response, body: text(response.Payload) }
}

describe.each(['lambda', 'secrets manager', 'dynamodb'] as const)('%s', (service) => {
  const post = (headers: Record<string, string>) => {
    const { endpoint, dynamodb } = running.cloud
    const url = { lambda: `${endpoint}/2015-03-31/functions/plain/invocations`, 'secrets manager': endpoint, dynamodb }
    const target = {
      lambda: '',
      'secrets manager': 'secretsmanager.ListSecrets',
      dynamodb: 'DynamoDB_20120810.ListTables',
    }
    const own = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-date': '20250101T000000Z' }
    return fetch(url[service], {
      method: 'POST',
      headers: { ...own, 'x-amz-target': target[service], ...headers },
      body: '{}',
    })
  }

  test.each([
    ['no signature', {}],
    ['another access key', { authorization: authorizationWith({ accessKeyId: 'local' }) }],
    ['another authorization scheme', { authorization: `Bearer ${credentials.accessKeyId}` }],
  ])('rejects a request with %s', async (_, headers: Record<string, string>) => {
    const response = await post(headers)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ __type: 'UnrecognizedClientException' })
  })

  test('accepts a request with its access key', async () => {
    expect((await post({ authorization: authorizationWith(credentials) })).status).toBe(200)
  })
})

test('credentials default to random values', async () => {
  const functions = plain(['plain'])
  const keys = await waitForAll(
    ['one', 'other'].map(async (name) => {
      const { cloud } = await start({ state: folder.file(name), functions, credentials: undefined })
      return cloud.credentials.accessKeyId
    }),
  )
  expect(new Set(keys).size).toBe(2)
  for (const accessKeyId of keys) expect(accessKeyId).toMatch(/^LOCAL[0-9A-F]{48}$/)
})

describe('a plain function', () => {
  test.each(['plain', 'plain:live', 'plain:1', '000000000000:function:plain', `${ARN}:plain`, `${ARN}:plain:live`])(
    'is found as %s',
    async (name) => {
      await expect(invoke(name, '{"a":1}')).resolves.toMatchObject({
        StatusCode: 200,
        ExecutedVersion: '1',
        body: expect.stringContaining('{"event":{"a":1}'),
      })
    },
  )

  test('has the context and environment of Lambda, without variables of this process', async () => {
    process.env['OF_THE_PARENT'] = 'private'
    const { body } = await invoke('plain')
    const { functionName, arn, remaining, environment } = JSON.parse(body)
    expect({ functionName, arn }).toEqual({
      functionName: 'plain',
      arn: 'arn:aws:lambda:eu-west-1:000000000000:function:plain:1',
    })
    expect(remaining).toBeGreaterThan(0)
    expect(remaining).toBeLessThanOrEqual(30_000)
    expect(environment).toMatchObject({
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'plain',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_ENDPOINT_URL_LAMBDA: running.cloud.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: running.cloud.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: running.cloud.dynamodb,
      POWERTOOLS_TRACE_ENABLED: 'false',
      COLOR: 'blue',
    })
    expect(environment).not.toHaveProperty('OF_THE_PARENT')
    expect(environment).not.toHaveProperty('PATH')
  })

  test('is observed with each printed line before its end', async () => {
    running.seen.length = 0
    await invoke('plain')
    expect(running.seen).toMatchObject([
      { kind: 'log', functionName: 'plain', stream: 'stdout', line: 'plain was called' },
      { kind: 'log', functionName: 'plain', stream: 'stderr', line: 'plain logged an error' },
      { kind: 'invocation', functionName: 'plain', status: 'SUCCEEDED', durationMs: expect.any(Number) },
    ])
  })
})

test.each(['greet:live', 'greet:1'])('a durable function is started as %s', async (name) => {
  await expect(invoke(name, '{"name":"Sam"}', asynchronous)).resolves.toMatchObject({
    StatusCode: 202,
    DurableExecutionArn: expect.stringContaining('/durable-execution/'),
  })
})

describe('an invalid call', () => {
  const invalid = { name: 'InvalidParameterValueException' }
  const withoutVersion = {
    ...invalid,
    message: expect.stringContaining('must be invoked with a version or an alias: greet:live'),
  }
  const notFound = (name: string) => ({
    name: 'ResourceNotFoundException',
    message: `Function not found: ${ARN}:${name}`,
    $metadata: { httpStatusCode: 404 },
  })

  test.each<[string, string, object, object, string?]>([
    ['of a plain function, asynchronously,', 'plain', asynchronous, invalid],
    ['of a durable function, synchronously,', 'greet:live', {}, invalid],
    ['without a version or an alias', 'greet', asynchronous, withoutVersion],
    ['of $LATEST', 'greet:$LATEST', asynchronous, withoutVersion],
    ['of an ARN without a version', `${ARN}:greet`, asynchronous, withoutVersion],
    ['of an unknown function', 'unknown', {}, notFound('unknown:$LATEST')],
    ['of an unknown alias', 'plain:prod', {}, notFound('plain:prod')],
    ['of an unknown version', 'plain:99', {}, notFound('plain:99')],
    ['of an unknown alias of a durable function', 'greet:prod', {}, notFound('greet:prod')],
    ['of an unknown version of a durable function', 'greet:99', {}, notFound('greet:99')],
    ['with a payload that is not JSON', 'plain', {}, { name: 'InvalidRequestContentException' }, '{"open":'],
    ['with an execution name for a plain function', 'plain', { DurableExecutionName: 'x' }, invalid],
  ])('%s is rejected', async (...[, name, more, error, payload]) => {
    await expect(invoke(name, payload, more)).rejects.toMatchObject(error)
  })

  test('with an asynchronous payload of more than 1 MB is rejected', async () => {
    const call = invoke('greet:live', JSON.stringify('x'.repeat(1024 * 1024)), asynchronous)
    const error = { name: 'RequestTooLargeException', $metadata: { httpStatusCode: 413 } }
    await expect(call).rejects.toMatchObject(error)
  })

  test.each(['/2025-12-01/anything', '/2025-12-01/durable-executions/%E0%A4%A/history'])(
    'of %s is rejected',
    async (path) => {
      const headers = { authorization: authorizationWith(credentials) }
      const response = await fetch(running.cloud.endpoint + path, { headers })
      expect(response.status).toBe(404)
      expect(response.headers.get('x-amzn-errortype')).toMatch(/^(UnknownOperation|ResourceNotFound)Exception$/)
    },
  )
})
