import { InvokeCommand } from '@aws-sdk/client-lambda'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { authorizationWith } from '../../../../infra/local/cloud/index.ts'
import { buildHandlers, credentials, durable, plain, type Started, start, temporaryFolder, until } from './harness.ts'

const folder = temporaryFolder()
let file: string
let running: Started

beforeAll(async () => {
  file = buildHandlers(folder.path)
  running = await start({
    state: folder.file('state'),
    functions: [
      ...plain(file, ['plain'], { environment: { COLOUR: 'blue' }, memoryMb: 256 }),
      ...plain(file, ['throws']),
      ...durable(file, ['greet', 'failing']),
      ...durable(file, ['waits'], { durable: { executionTimeoutSeconds: 901, retentionDays: 1 } }),
    ],
    timeScale: 600,
  })
})

const text = (bytes: Uint8Array | undefined) => (bytes?.length ? new TextDecoder().decode(bytes) : '')
const bytes = (value: string) => new TextEncoder().encode(value)

async function invoke(FunctionName: string, payload = '{}', more: object = {}) {
  const answer = await running.lambda.send(new InvokeCommand({ FunctionName, Payload: bytes(payload), ...more }))
  return { ...answer, body: text(answer.Payload) }
}

describe.each(['lambda', 'secrets manager', 'dynamodb'] as const)('the %s of this start', (service) => {
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
    ['something else than a signature', { authorization: `Bearer ${credentials.accessKeyId}` }],
  ])('refuses a request with %s', async (_, headers: Record<string, string>) => {
    const response = await post(headers)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ __type: 'UnrecognizedClientException' })
  })

  test('answers a request with its own access key', async () => {
    expect((await post({ authorization: authorizationWith(credentials) })).status).toBe(200)
  })
})

test('credentials are random if none are given', async () => {
  const functions = plain(file, ['plain'])
  const made = await Promise.all(
    ['one', 'other'].map(async (name) => {
      const { cloud } = await start({ state: folder.file(name), functions, credentials: undefined })
      return cloud.credentials.accessKeyId
    }),
  )
  expect(new Set(made).size).toBe(2)
  for (const accessKeyId of made) expect(accessKeyId).toMatch(/^LOCAL[0-9A-F]{48}$/)
})

describe('a plain function', () => {
  test.each([
    'plain',
    'plain:live',
    'plain:1',
    '000000000000:function:plain',
    'arn:aws:lambda:eu-west-1:000000000000:function:plain',
    'arn:aws:lambda:eu-west-1:000000000000:function:plain:live',
  ])('is found as %s', async (name) => {
    await expect(invoke(name, '{"a":1}')).resolves.toMatchObject({
      StatusCode: 200,
      ExecutedVersion: '1',
      body: expect.stringContaining('{"event":{"a":1}'),
    })
  })

  test('sees Lambda’s context and environment, and nothing of ours', async () => {
    process.env['OF_THE_PARENT'] = 'private'
    const { body } = await invoke('plain')
    const { functionName, arn, remaining, environment } = JSON.parse(body)
    expect({ functionName, arn }).toEqual({
      functionName: 'plain',
      arn: 'arn:aws:lambda:eu-west-1:000000000000:function:plain:1',
    })
    expect(remaining).toBeGreaterThan(20_000)
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
      COLOUR: 'blue',
    })
    expect(environment).not.toHaveProperty('OF_THE_PARENT')
    expect(environment).not.toHaveProperty('PATH')
  })

  test('has what it prints observed line by line, before its end', async () => {
    running.seen.length = 0
    await invoke('plain')
    expect(running.seen).toMatchObject([
      { kind: 'log', functionName: 'plain', stream: 'stdout', line: 'plain was called' },
      { kind: 'log', functionName: 'plain', stream: 'stderr', line: 'and says so twice' },
      { kind: 'invocation', functionName: 'plain', status: 'SUCCEEDED', durationMs: expect.any(Number) },
    ])
  })

  test('is called in the background with the invocation type Event, and again when it fails', async () => {
    running.seen.length = 0
    await expect(invoke('throws', '{}', { InvocationType: 'Event' })).resolves.toMatchObject({
      StatusCode: 202,
      body: '',
    })
    const failures = () => running.seen.filter((seen) => seen.kind === 'invocation' && seen.status === 'FAILED')
    await until(() => failures().length === 3, 'the third try')
  })

  test('answers nothing to a dry run', async () => {
    await expect(invoke('plain', '{}', { InvocationType: 'DryRun' })).resolves.toMatchObject({ StatusCode: 204 })
  })
})

describe('a durable function', () => {
  test('called synchronously answers with the result of its execution', async () => {
    await expect(invoke('greet:live', '{"name":"Sam"}')).resolves.toMatchObject({
      StatusCode: 200,
      body: '{"greeting":"Hello Sam"}',
      DurableExecutionArn: expect.stringContaining('/durable-execution/'),
    })
  })

  test('is found at its version', async () => {
    await expect(invoke('greet:1', '{"name":"Sam"}')).resolves.toMatchObject({ StatusCode: 200 })
  })

  test.each(['greet', 'greet:$LATEST', 'arn:aws:lambda:eu-west-1:000000000000:function:greet'])(
    'is not invoked without a version or an alias (%s)',
    async (name) => {
      for (const InvocationType of ['Event', 'RequestResponse'])
        await expect(invoke(name, '{}', { InvocationType })).rejects.toMatchObject({
          name: 'InvalidParameterValueException',
          message: expect.stringContaining('must be invoked with a version or an alias: greet:live'),
        })
    },
  )

  test('called synchronously answers with the error of its execution', async () => {
    await expect(invoke('failing:live')).resolves.toMatchObject({
      FunctionError: 'Unhandled',
      body: expect.stringContaining('"errorType":"StepError","errorMessage":"out of range"'),
    })
  })

  test('that may run over 15 minutes is not called synchronously', async () => {
    await expect(invoke('waits:live')).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('greater than 15 minutes'),
    })
  })
})

describe('a wrong call', () => {
  test('of a function that is not there', async () => {
    await expect(invoke('nobody')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:eu-west-1:000000000000:function:nobody:$LATEST',
      $metadata: { httpStatusCode: 404 },
    })
  })

  test.each(['plain', 'greet'])('of an alias or version that does not exist (%s)', async (name) => {
    for (const qualifier of ['prod', '99'])
      await expect(invoke(`${name}:${qualifier}`)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
        message: `Function not found: arn:aws:lambda:eu-west-1:000000000000:function:${name}:${qualifier}`,
      })
  })

  test('with a payload that is not JSON', async () => {
    await expect(invoke('plain', '{"open":')).rejects.toMatchObject({ name: 'InvalidRequestContentException' })
  })

  test('with more than 1 MB for the background', async () => {
    const payload = JSON.stringify('x'.repeat(1024 * 1024))
    await expect(invoke('greet:live', payload, { InvocationType: 'Event' })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    })
  })

  test('with the name of an execution for a plain function', async () => {
    await expect(invoke('plain', '{}', { DurableExecutionName: 'x' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    })
  })

  test.each(['/2025-12-01/anything', '/2025-12-01/durable-executions/%E0%A4%A/history'])('of %s', async (path) => {
    const headers = { authorization: authorizationWith(credentials) }
    const response = await fetch(running.cloud.endpoint + path, { headers })
    expect(response.status).toBe(404)
    expect(response.headers.get('x-amzn-errortype')).toMatch(/^(UnknownOperation|ResourceNotFound)Exception$/)
  })
})
