import '../../functions/aws.ts'
import { GetOpsItemCommand, SSMClient, UpdateOpsItemCommand } from '@aws-sdk/client-ssm'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type SsmServer, startSsm } from '../../../infra/platforms/aws-ssm.ts'
import { type Call, type Reply, type Served, serve } from '../../../infra/platforms/loopback-server.ts'
import { Aws } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { failureOf } from '../../functions/helpers.ts'

let server: SsmServer
beforeEach(async () => {
  server = await startSsm()
  const more = { Title: '', Description: '', Source: '', Status: 'Open', OperationalData: {}, Tags: {} }
  server.state.opsItems.push({ OpsItemId: id, ...more })
})
afterEach(() => server.close())

const id = 'oi-000000000001'
const get = new GetOpsItemCommand({ OpsItemId: id })
const update = new UpdateOpsItemCommand({ OpsItemId: id, Status: 'Resolved' })

const aws = (account: object = {}, more: object = {}) =>
  new Aws({ platform: 'OpsCenter', account: { endpoint: server.url, region: 'eu-west-1', ...account }, ...more })
const read = (client = aws()) => failureOf(client.read(SSMClient, get))
const write = (client = aws()) => failureOf(client.write(SSMClient, update))

describe('AWS client: responses', () => {
  test('returns the output of the SDK', async () => {
    const { OpsItem } = await aws().read(SSMClient, get)
    expect(OpsItem).toMatchObject({ OpsItemId: id, Status: 'Open' })
    await aws().write(SSMClient, update)
    expect(server.state.opsItems[0]?.Status).toBe('Resolved')
  })

  test('reports a refusal with the message of AWS and the SDK error as its cause', async () => {
    server.failNext(400, { __type: 'OpsItemLimitExceededException', Message: 'Too many OpsItems', Limit: 7 })
    const failure = await write()
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toBe('OpsCenter answered OpsItemLimitExceededException to UpdateOpsItem: Too many OpsItems')
    expect(awsErrorOf(failure)).toMatchObject({ name: 'OpsItemLimitExceededException', Limit: 7 })
    expect(awsErrorOf(new Error('another'))).toBeUndefined()
  })

  test('reports an error without a message', async () => {
    server.failNext(400, { __type: 'OpsItemNotFoundException' })
    expect((await read()).message).toContain('OpsItemNotFoundException to GetOpsItem: ')
  })

  test.each(['UnrecognizedClientException', 'InvalidClientTokenId', 'ExpiredTokenException'])(
    'reports %s as a credentials failure',
    async (name) => {
      server.failNext(400, { __type: name, message: 'The security token included in the request is invalid.' })
      expect(await write()).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    },
  )

  test.each([
    ['OpsItemAccessDeniedException', 'not allowed'],
    ['AccessDeniedException', 'User: x is not authorized to perform: ssm:GetOpsItem'],
  ])('explains where to grant the permission after %s', async (name, message) => {
    server.failNext(400, { __type: name, message })
    const failure = await read()
    expect([failure.kind, failure.message]).toEqual([
      'refused',
      `OpsCenter answered ${name} to GetOpsItem: ${message}. Allow it under awsProviders in cdk.json, and deploy.`,
    ])
  })

  test.each([
    ['ThrottlingException', 400],
    ['TooManyRequestsException', 429],
    ['RequestLimitExceeded', 400],
    ['ProvisionedThroughputExceededThrottling', 400],
  ])('treats %s as transient', async (name, status) => {
    server.failNext(status, { __type: name, message: 'Rate exceeded' }, { headers: { 'retry-after': '4' } })
    expect(await write()).toMatchObject({ kind: 'platform', transient: true, retryAfter: 4, mayHaveWritten: false })
  })

  test('accepts a date in Retry-After', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }
    server.failNext(503, { __type: 'ServiceUnavailable', message: 'Busy' }, { headers })
    const { retryAfter = 0 } = await read()
    expect(retryAfter).toBeGreaterThan(55)
    expect(retryAfter).toBeLessThanOrEqual(61)
  })

  test('treats a 5xx status as transient, and a write may have happened', async () => {
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' }, { times: 2 })
    expect(await read()).toMatchObject({
      kind: 'platform',
      transient: true,
      mayHaveWritten: false,
      retryAfter: undefined,
    })
    expect(await write()).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
  })

  test('reports a platform failure for a body that is not JSON, for any status', async () => {
    for (const status of [200, 400, 503]) server.failNext(status, '<html>A proxy</html>')
    for (const status of [200, 400, 503]) {
      const failure = await write()
      expect([failure.kind, failure.mayHaveWritten]).toEqual(['platform', status !== 400])
      expect(failure.message).toBe(`OpsCenter answered ${status} to UpdateOpsItem with a body that is not JSON.`)
    }
  })

  test('treats the exceptions that the caller names as transient', async () => {
    const conflict = { __type: 'OpsItemConflictException', Message: 'It is being deleted' }
    server.failNext(400, conflict, { times: 2 })
    expect(await write()).toMatchObject({ kind: 'refused' })
    const passing = await failureOf(aws().write(SSMClient, update, 'OpsItemConflictException'))
    expect(passing).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
  })

  test('sends each request once', async () => {
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    await read()
    expect(server.calls).toHaveLength(1)
  })

  test('masks secrets in error messages', async () => {
    registerSecret('a-secret-of-the-account')
    server.failNext(400, { __type: 'ValidationException', message: 'Value a-secret-of-the-account is wrong' })
    expect((await read()).message).toContain('Value *** is wrong')
  })
})

describe('AWS client: network', () => {
  test('reports that a write may have happened if the connection breaks', async () => {
    server.down()
    expect(await read()).toMatchObject({ kind: 'platform', mayHaveWritten: false })
    const failure = await write()
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('OpsCenter could not be reached: socket hang up (UpdateOpsItem).')
  })

  test('reports that nothing was written if the connection is refused', async () => {
    const failure = await write(aws({ endpoint: 'http://127.0.0.1:9' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('ECONNREFUSED')
  })

  test('waits for a response until the deadline, but at least one second', async () => {
    server.hang()
    const startedAt = Date.now()
    const failure = await write(aws({}, { deadlineAt: Date.now() + 200 }))
    expect(failure).toMatchObject({ kind: 'timeout', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('OpsCenter did not respond within 1 s (UpdateOpsItem).')
    expect(Date.now() - startedAt).toBeGreaterThan(900)
  })

  test('only reads after the deadline', async () => {
    const late = aws({}, { deadlineAt: Date.now() - 1 })
    expect(await write(late)).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(server.calls).toEqual([])
    await late.read(SSMClient, get)
  })

  test('reports a missing region as misconfigured', async () => {
    const region = process.env['AWS_REGION']
    delete process.env['AWS_REGION']
    const failure = await failureOf(
      new Aws({ platform: 'OpsCenter', account: { endpoint: `${server.url}/` } }).write(SSMClient, update),
    )
    process.env['AWS_REGION'] = region
    expect(failure).toMatchObject({ kind: 'misconfigured', transient: false, mayHaveWritten: false })
    expect(failure.message).toBe('UpdateOpsItem could not be sent to OpsCenter: Region is missing')
  })
})

describe('AWS client: mayHaveWritten', () => {
  test('stays true for all requests after a write', async () => {
    const client = aws()
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(false)
    await client.write(SSMClient, update)
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(true)
    server.failNext(400, { __type: 'ValidationException', message: 'no' })
    expect((await write(client)).mayHaveWritten).toBe(true)
  })

  test('stays false after a refused write', async () => {
    const client = aws()
    server.failNext(400, { __type: 'ValidationException', message: 'no' })
    await write(client)
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(false)
  })
})

describe('AWS client: dry run', () => {
  const rehearse = async (account: object, command: unknown = update) => {
    let shown: SentRequest | undefined
    const intercept = (request: SentRequest) => {
      shown = request
      throw new Error('rehearsed')
    }
    await expect(aws(account, { intercept }).write(SSMClient, command as typeof update)).rejects.toThrow('rehearsed')
    return shown
  }

  test('shows the first write and sends nothing', async () => {
    expect(await rehearse({ endpoint: undefined })).toEqual({
      method: 'UpdateOpsItem',
      url: 'https://ssm.eu-west-1.amazonaws.com',
      headers: {},
      body: `{"OpsItemId":"${id}","Status":"Resolved"}`,
    })
    expect(await rehearse({})).toMatchObject({ url: server.url })
    expect(server.calls).toEqual([])
  })

  test('decodes bytes in the request to text', async () => {
    const content = new TextEncoder().encode('{"größe":1}')
    const command = new UpdateOpsItemCommand({ OpsItemId: id, Description: content as unknown as string })
    expect(JSON.parse((await rehearse({}, command))?.body ?? '')).toMatchObject({ Description: '{"größe":1}' })
  })

  test('sends reads', async () => {
    const client = aws({}, { intercept: () => undefined })
    expect((await client.read(SSMClient, get)).OpsItem?.OpsItemId).toBe(id)
  })
})

describe('AWS clients', () => {
  test('are created once per account', async () => {
    await aws().read(SSMClient, get)
    await aws().read(SSMClient, get)
    await aws({ region: 'us-east-1' }).read(SSMClient, get)
    const regions = server.calls.map(({ headers }) => /\d{8}\/([\w-]+)\//.exec(String(headers['authorization']))?.[1])
    expect(regions).toEqual(['eu-west-1', 'eu-west-1', 'us-east-1'])
    const made = jest.fn()
    class Counted extends SSMClient {
      constructor(...given: ConstructorParameters<typeof SSMClient>) {
        super(...given)
        made()
      }
    }
    for (const account of [{}, {}, { region: 'us-east-1' }, { endpoint: `${server.url}/` }])
      await aws(account).read(Counted, get)
    expect(made).toHaveBeenCalledTimes(3)
  })

  test('default to the region of the function', async () => {
    expect(await aws({ region: undefined, endpoint: undefined }).region(SSMClient)).toBe('eu-west-1')
    expect(await aws({ region: 'us-west-2' }).region(SSMClient)).toBe('us-west-2')
  })

  test.each([
    ['eu-west-1', 'https://eu-west-1.console.aws.amazon.com/x/y?region=eu-west-1'],
    ['cn-north-1', 'https://cn-north-1.console.amazonaws.cn/x/y?region=cn-north-1'],
    ['us-gov-west-1', 'https://us-gov-west-1.console.amazonaws-us-gov.com/x/y?region=us-gov-west-1'],
  ])('link to the console of the partition of %s', (region, url) => {
    expect(consoleUrl(region, 'x/y')).toBe(url)
  })
})

describe('AWS client: role of another account', () => {
  const roleArn = 'arn:aws:iam::210987654321:role/webhooks'
  let sts: Served
  let answer: (call: Call) => Reply
  beforeEach(async () => {
    answer = () => assumed
    sts = await serve((call) => answer(call))
    process.env['AWS_ENDPOINT_URL_STS'] = sts.url
  })
  afterEach(async () => {
    delete process.env['AWS_ENDPOINT_URL_STS']
    await sts.close()
  })

  const xml = { 'content-type': 'text/xml' }
  const assumed: Reply = {
    status: 200,
    headers: xml,
    body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>a-session-token</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  }
  const refused = (code: string, message: string, status = 403): Reply => ({
    status,
    headers: xml,
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  })

  test('assumes the role once, with the external id, and sends its session token', async () => {
    const account = { roleArn, externalId: 'an-id' }
    await aws(account).read(SSMClient, get)
    await aws(account).write(SSMClient, update)
    expect(sts.calls).toHaveLength(1)
    const asked = new URLSearchParams(String(sts.calls[0]?.body))
    expect(Object.fromEntries(asked)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: roleArn,
      ExternalId: 'an-id',
      RoleSessionName: 'cloud-automation-webhooks',
    })
    expect(server.calls.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      'a-session-token',
      'a-session-token',
    ])
  })

  test('reports that the role cannot be assumed and that nothing was written', async () => {
    const message = `User: arn:aws:sts::123456789012:assumed-role/f is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`
    answer = () => refused('AccessDenied', message)
    const failure = await write(aws({ roleArn }))
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toBe(
      `OpsCenter answered AccessDenied to UpdateOpsItem: ${message}. Allow it under awsProviders in cdk.json, and deploy.`,
    )
    answer = () => assumed
    await aws({ roleArn }).read(SSMClient, get)
  })

  test('names the role whose policy lacks the permission', async () => {
    server.state.denied = ['GetOpsItem']
    expect((await read(aws({ roleArn, region: 'eu-central-1' }))).message).toMatch(
      /ssm:GetOpsItem\. Allow it in the policy of arn:aws:iam::210987654321:role\/webhooks\.$/,
    )
  })

  test('calls STS once if STS fails and reports that nothing was written', async () => {
    answer = () => refused('ServiceUnavailable', 'Busy', 503)
    expect(await write(aws({ roleArn, region: 'eu-north-1' }))).toMatchObject({
      kind: 'platform',
      transient: true,
      mayHaveWritten: false,
    })
    expect(sts.calls).toHaveLength(1)
    expect(server.calls).toEqual([])
  })

  test('waits for STS no longer than for a response', async () => {
    sts.hang()
    const failure = await read(aws({ roleArn, region: 'eu-south-1' }, { deadlineAt: Date.now() + 100 }))
    expect(failure).toMatchObject({ kind: 'timeout', transient: true })
  })
})
