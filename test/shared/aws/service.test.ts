import '../../functions/aws.ts'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import * as sdk from '@aws-sdk/client-lambda'
import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Call, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { dynamodb } from '../../../shared/aws/dynamodb.ts'
import { eksToken } from '../../../shared/aws/eks-token.ts'
import { endpointOf } from '../../../shared/aws/endpoint.ts'
import * as lambda from '../../../shared/aws/lambda.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { secretsManager } from '../../../shared/aws/secrets-manager.ts'
import { sendSigned } from '../../../shared/aws/send-signed.ts'
import { endsInTime, pauses, skipPauses } from '../../functions/helpers.ts'

// Both clients multiply the pauses before their retries by it.
jest.spyOn(Math, 'random').mockReturnValue(0)

let aws: Served
let reply: Reply
let sdkClients: { dynamodb: DynamoDBClient; lambda: sdk.LambdaClient; secrets: SecretsManagerClient }
beforeAll(async () => {
  aws = await serve(() => reply)
  process.env['AWS_ENDPOINT_URL'] = aws.url
  const trace = 'Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0'
  // The SDK sends the trace only in Lambda.
  Object.assign(process.env, { AWS_LAMBDA_FUNCTION_NAME: 'webhook', _X_AMZN_TRACE_ID: trace })
  sdkClients = { dynamodb: new DynamoDBClient(), lambda: new sdk.LambdaClient(), secrets: new SecretsManagerClient() }
})
afterAll(() => aws.close())
afterEach(() => {
  aws.recover()
  aws.calls.length = 0
})

const get = { TableName: 'table', Key: { id: { S: 'a' } } }
const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:f:1/durable-execution/a-name/an-id'
const functionName = 'arn:aws:lambda:eu-west-1:123456789012:function:f:live'
const callbackId = 'YWJj+/=='
const search = { FunctionName: 'f', DurableExecutionName: 'a-name', MaxItems: 1 }

const item = { TableName: 'table', Item: { id: { S: 'ä' } } }
const secret = { SecretId: 'a/b' }
const bytes = (text: string) => new TextEncoder().encode(text)
const start = { executionName: 'a-name', payload: '{"a":"ä"}' }
const invoke = { InvocationType: 'Event', DurableExecutionName: 'a-name', Payload: bytes(start.payload) } as const
const history = { MaxItems: '30', Marker: 'a+/=' }
const callback = { CallbackId: callbackId, Result: bytes('{"by":"ä"}') }
const sent = { ReverseOrder: true, MaxItems: 30, Marker: 'a+/=', IncludeExecutionData: true }

/** The same call with both clients. */
const calls: Record<string, [ours: () => Promise<unknown>, theirs: () => Promise<unknown>]> = {
  GetItem: [() => dynamodb('GetItem', get), () => sdkClients.dynamodb.send(new GetItemCommand(get))],
  PutItem: [() => dynamodb('PutItem', item), () => sdkClients.dynamodb.send(new PutItemCommand(item))],
  GetSecretValue: [
    () => secretsManager('GetSecretValue', secret),
    () => sdkClients.secrets.send(new GetSecretValueCommand(secret)),
  ],
  ListSecrets: [
    () => secretsManager('ListSecrets', { MaxResults: 100 }),
    () => sdkClients.secrets.send(new ListSecretsCommand({ MaxResults: 100 })),
  ],
  'Invoke of a durable function': [
    () => lambda.startExecution({ functionName, ...start }),
    () => sdkClients.lambda.send(new sdk.InvokeCommand({ FunctionName: functionName, ...invoke })),
  ],
  ListDurableExecutionsByFunction: [
    () => lambda.findExecutionArn('f', 'a-name'),
    () => sdkClients.lambda.send(new sdk.ListDurableExecutionsByFunctionCommand(search)),
  ],
  GetDurableExecution: [
    () => lambda.getExecution(arn),
    () => sdkClients.lambda.send(new sdk.GetDurableExecutionCommand({ DurableExecutionArn: arn })),
  ],
  GetDurableExecutionHistory: [
    () => lambda.getHistory(arn, { ReverseOrder: 'true', ...history }),
    () => sdkClients.lambda.send(new sdk.GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, ...sent })),
  ],
  SendDurableExecutionCallbackSuccess: [
    () => lambda.completeCallback(callbackId, '{"by":"ä"}'),
    () => sdkClients.lambda.send(new sdk.SendDurableExecutionCallbackSuccessCommand(callback)),
  ],
}

describe('AWS client: a request equals that of the SDK', () => {
  test.each(Object.entries(calls))('%s', async (_name, [ours, theirs]) => {
    reply = { status: 200, body: {} }
    await ours()
    await theirs()
    const [sent, expected] = aws.calls.map(relevant)
    expect(sent).toEqual(expected)
    expect(expected?.headers['x-amzn-trace-id']).toMatch(/^Root=/)
    expect(aws.calls[0]?.headers['user-agent']).toBe('cloud-automation-webhooks')
  })
})

/** The parts of a request that the service reads. */
function relevant({ method, encodedPath, query, headers, text }: Call) {
  const ofLambda = ['x-amz-invocation-type', 'x-amz-durable-execution-name', 'x-amzn-trace-id']
  const names = ['content-type', 'x-amz-target', ...ofLambda]
  const [, scope = ''] = /Credential=\w+\/\d+\/(\S+),/.exec(headers['authorization'] ?? '') ?? []
  return {
    method,
    encodedPath,
    query: [...query].sort(),
    headers: Object.fromEntries(names.map((name) => [name, headers[name]])),
    scope,
    text,
  }
}

test('AWS client: times are dates, as with the SDK', async () => {
  reply = { status: 200, body: { StartTimestamp: 1_764_000_000.5, Status: 'RUNNING', InputPayload: '{"Timestamp":1}' } }
  const { $metadata: _, ...expected } = await sdkClients.lambda.send(
    new sdk.GetDurableExecutionCommand({ DurableExecutionArn: arn }),
  )
  expect(await lambda.getExecution(arn)).toEqual(expected)
})

const json10 = (type: string, message: string) => ({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message })
/** The name of the error and the number of attempts are in the result. */
const errors: Record<string, Reply> = {
  'a condition that is not met': { status: 400, body: json10('ConditionalCheckFailedException', 'Not met') },
  throttling: { status: 400, body: json10('ProvisionedThroughputExceededException', 'Slow down') },
  'an error of the server': { status: 500, body: json10('InternalServerError', 'Try again') },
  'an error in a header': {
    status: 404,
    body: { message: 'No table' },
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException:http://internal.amazon.com/' },
  },
  'a web page of a proxy': { status: 503, body: '<html>', headers: { 'content-type': 'text/html' } },
}

describe('AWS client: an error has the name, status and number of attempts of the SDK', () => {
  const errorOf = async (call: () => Promise<unknown>) => {
    const error = (await call().catch((thrown: unknown) => thrown)) as { name: string; $metadata: object }
    return { name: error.name, $metadata: error.$metadata }
  }

  test.each(Object.entries(errors))('%s', async (what, error) => {
    reply = error
    const [ours, theirs] = calls['GetItem'] ?? []
    if (!ours || !theirs) throw new Error('no such call')
    const [{ name, $metadata }, expected] = await Promise.all([errorOf(ours), errorOf(theirs)])
    const { httpStatusCode, attempts } = expected.$metadata as { httpStatusCode: number; attempts: number }
    expect($metadata).toEqual({ httpStatusCode, attempts })
    // The SDK reports the syntax error of the page.
    if (!what.startsWith('a web page')) expect(name).toBe(expected.name)
    expect(aws.calls).toHaveLength(2 * attempts)
  })

  test('no connection', async () => {
    const endpoint = process.env['AWS_ENDPOINT_URL']
    process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:1'
    try {
      const client = new DynamoDBClient()
      const both = [() => dynamodb('GetItem', get), () => client.send(new GetItemCommand(get))]
      const [ours, theirs] = await Promise.all(both.map(errorOf))
      expect(ours).toMatchObject({ name: theirs?.name, $metadata: { attempts: 4 } })
    } finally {
      process.env['AWS_ENDPOINT_URL'] = endpoint
    }
  })
})

test('AWS client: a request whose response was lost is sent again', async () => {
  reply = { status: 200, body: { Item: { id: { S: 'a' } } } }
  aws.loseNext(() => true)
  await expect(dynamodb('GetItem', get)).resolves.toEqual({ Item: { id: { S: 'a' } } })
  expect(aws.calls).toHaveLength(2)
})

test('AWS client: a signal ends a call that has no response', async () => {
  aws.holdNext(() => true)
  await expect(dynamodb('GetItem', get, { abortSignal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    name: 'AbortError',
    $metadata: { attempts: 1 },
  })
})

test('AWS client: a request that gets no response ends after its own timeout', async () => {
  aws.hang()
  const options = { method: 'GET', headers: {}, signal: undefined }
  const send = (timeoutMs: number) => sendSigned(new URL(aws.url), { ...options, timeoutMs }, undefined)
  const first = endsInTime(Promise.race([send(60_000), send(50)]))
  await expect(first).rejects.toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('within 1 s') })
})

test('AWS client: a call that gets no response ends in time for the response of a webhook', async () => {
  aws.hang()
  const secretRead = secretsManager('GetSecretValue', secret)
  const hanging = [dynamodb('GetItem', get), secretRead, lambda.getExecution(arn)]
  const ended = await endsInTime(Promise.allSettled(hanging))
  const reason = { name: 'TimeoutError', message: expect.stringContaining('did not respond within 5 s') }
  const expected = { status: 'rejected', reason: { ...reason, $metadata: { attempts: 2 } } }
  expect(ended).toMatchObject([expected, expected, expected])
})

describe('AWS client: waits', () => {
  skipPauses()

  test.each([
    ['as long as the header says', 'retry-after', '0.2', 200],
    ['as long as the header says', 'x-amz-retry-after', '200', 200],
    ['5 s if the header asks for more', 'retry-after', '60', 5_000],
    ['5 s if the header asks for more', 'x-amz-retry-after', '60000', 5_000],
  ])('%s (%s: %s)', async (_what, name, value, milliseconds) => {
    reply = { status: 503, headers: { [name]: value } }
    await expect(dynamodb('GetItem', get)).rejects.toMatchObject({ $metadata: { attempts: 4 } })
    expect(pauses).toEqual(Array(3).fill(milliseconds))
  })
})

test('AWS client: a response that is larger than those of AWS is not read', async () => {
  reply = { status: 200, body: { Item: { id: { S: 'a'.repeat(13 * 1024 * 1024) } } } }
  await expect(dynamodb('GetItem', get)).rejects.toThrow('sent more than 12582912 bytes')
})

describe('AWS client: endpoints equal those of the SDK', () => {
  const regions = [
    'eu-central-1',
    'us-gov-west-1',
    'us-gov-east-1',
    'cn-north-1',
    'eusc-de-east-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
  ]
  const services = [
    { host: 'dynamodb', variable: 'DYNAMODB', client: () => sdkClients.dynamodb },
    { host: 'lambda', variable: 'LAMBDA', client: () => sdkClients.lambda },
    { host: 'secretsmanager', variable: 'SECRETS_MANAGER', client: () => sdkClients.secrets },
  ]
  test.each(regions)('%s', async (region) => {
    const usual = { Region: region, UseFIPS: false, UseDualStack: false }
    const { host } = sdkClients.lambda.config.endpointProvider(usual).url
    const hostOf = (service: string) => host.replace('lambda', service)
    expect(rest.serviceUrl({ region }, { service: 'fis', platform: 'AWS FIS' })).toBe(`https://${hostOf('fis')}`)
    const [, , signed = ''] = /^(k8s-aws-v1)\.(.+)$/.exec(await eksToken('shop', region)) ?? []
    expect(new URL(Buffer.from(signed, 'base64url').toString()).host).toBe(hostOf('sts'))
    for (const { host, variable, client } of services) {
      for (const fips of [false, true]) {
        const environment = { AWS_REGION: region, AWS_USE_FIPS_ENDPOINT: String(fips) }
        const { url } = client().config.endpointProvider({ Region: region, UseFIPS: fips, UseDualStack: false })
        expect(endpointOf({ host, variable }, environment)).toBe(url.href.replace(/\/$/, ''))
      }
    }
  })

  test('an endpoint in the environment precedes that of the region', () => {
    const name = { host: 'dynamodb', variable: 'DYNAMODB' }
    const all = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1/' }
    expect(endpointOf(name, all)).toBe('http://127.0.0.1:1')
    expect(endpointOf(name, { ...all, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:2' })).toBe('http://127.0.0.1:2')
    expect(endpointOf(name, { ...all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).toBe(
      'https://dynamodb.eu-west-1.amazonaws.com',
    )
  })
})

// The client keeps the correction, so these tests are the last ones.
test.each([
  ['InvalidSignatureException', 20],
  ['RequestExpired', 40],
  ['RequestInTheFuture', 60],
])('AWS client: corrects the clock after %s', async (name, minutes) => {
  reply = { status: 200, body: {} }
  const now = Date.now() + minutes * 60_000
  aws.failNext(400, json10(name, 'Signature expired'), { headers: { date: new Date(now).toUTCString() } })
  await dynamodb('GetItem', get)
  const times = aws.calls.map(({ headers }) => String(headers['x-amz-date']))
  const [, corrected = ''] = times
  const sentAt = Date.parse(corrected.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  expect(times).toHaveLength(2)
  expect(Math.abs(sentAt - now)).toBeLessThan(4 * 60_000)
})
