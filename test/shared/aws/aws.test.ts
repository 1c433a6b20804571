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

describe('what AWS answers', () => {
  test('comes back as the SDK reads it', async () => {
    const { OpsItem } = await aws().read(SSMClient, get)
    expect(OpsItem).toMatchObject({ OpsItemId: id, Status: 'Open' })
    await aws().write(SSMClient, update)
    expect(server.state.opsItems[0]?.Status).toBe('Resolved')
  })

  test('as a refusal is one, in its words, with the error of the SDK behind it', async () => {
    server.failNext(400, { __type: 'OpsItemLimitExceededException', Message: 'Too many OpsItems', Limit: 7 })
    const failure = await write()
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toBe('OpsCenter answered OpsItemLimitExceededException to UpdateOpsItem: Too many OpsItems')
    expect(awsErrorOf(failure)).toMatchObject({ name: 'OpsItemLimitExceededException', Limit: 7 })
    expect(awsErrorOf(new Error('another'))).toBeUndefined()
  })

  test('without a reason is told as such', async () => {
    server.failNext(400, { __type: 'OpsItemNotFoundException' })
    expect((await read()).message).toContain('OpsItemNotFoundException to GetOpsItem: ')
  })

  test.each(['UnrecognizedClientException', 'InvalidClientTokenId', 'ExpiredTokenException'])(
    '%s is about credentials',
    async (name) => {
      server.failNext(400, { __type: name, message: 'The security token included in the request is invalid.' })
      expect(await write()).toMatchObject({ kind: 'credentials', mayHaveWritten: false })
    },
  )

  test.each([
    ['OpsItemAccessDeniedException', 'not allowed'],
    ['AccessDeniedException', 'User: x is not authorized to perform: ssm:GetOpsItem'],
  ])('%s says where to allow it', async (name, message) => {
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
  ])('%s is waited for', async (name, status) => {
    server.failNext(status, { __type: name, message: 'Rate exceeded' }, { headers: { 'retry-after': '4' } })
    expect(await write()).toMatchObject({ kind: 'platform', transient: true, retryAfter: 4, mayHaveWritten: false })
  })

  test('with a Retry-After as a date is waited for until then', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }
    server.failNext(503, { __type: 'ServiceUnavailable', message: 'Busy' }, { headers })
    const { retryAfter = 0 } = await read()
    expect(retryAfter).toBeGreaterThan(55)
    expect(retryAfter).toBeLessThanOrEqual(61)
  })

  test('with 5xx is tried again, and a write may have been done', async () => {
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' }, { times: 2 })
    expect(await read()).toMatchObject({
      kind: 'platform',
      transient: true,
      mayHaveWritten: false,
      retryAfter: undefined,
    })
    expect(await write()).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
  })

  test('is a fault where it is no JSON, whatever the status', async () => {
    for (const status of [200, 400, 503]) server.failNext(status, '<html>A proxy</html>')
    for (const status of [200, 400, 503]) {
      const failure = await write()
      expect([failure.kind, failure.mayHaveWritten]).toEqual(['platform', status !== 400])
      expect(failure.message).toBe(`OpsCenter answered ${status} to UpdateOpsItem with a body that is not JSON.`)
    }
  })

  test('that goes away by itself, says whoever asks', async () => {
    const conflict = { __type: 'OpsItemConflictException', Message: 'It is being deleted' }
    server.failNext(400, conflict, { times: 2 })
    expect(await write()).toMatchObject({ kind: 'refused' })
    const passing = await failureOf(aws().write(SSMClient, update, 'OpsItemConflictException'))
    expect(passing).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
  })

  test('is never asked for twice', async () => {
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    await read()
    expect(server.calls).toHaveLength(1)
  })

  test('does not publish a secret', async () => {
    registerSecret('a-secret-of-somebody')
    server.failNext(400, { __type: 'ValidationException', message: 'Value a-secret-of-somebody is wrong' })
    expect((await read()).message).toContain('Value *** is wrong')
  })
})

describe('what goes on below', () => {
  test('a connection that breaks off leaves a write in doubt', async () => {
    server.down()
    expect(await read()).toMatchObject({ kind: 'platform', mayHaveWritten: false })
    const failure = await write()
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('OpsCenter could not be reached: socket hang up (UpdateOpsItem).')
  })

  test('a connection that is not made leaves none', async () => {
    const failure = await write(aws({ endpoint: 'http://127.0.0.1:9' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('ECONNREFUSED')
  })

  test('an answer that does not come is waited for until the deadline, but a second at least', async () => {
    server.hang()
    const began = Date.now()
    const failure = await write(aws({}, { deadlineAt: Date.now() + 200 }))
    expect(failure).toMatchObject({ kind: 'timeout', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('OpsCenter did not respond within 1 s (UpdateOpsItem).')
    expect(Date.now() - began).toBeGreaterThan(900)
  })

  test('after the deadline nothing is written, but it may be looked', async () => {
    const late = aws({}, { deadlineAt: Date.now() - 1 })
    expect(await write(late)).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(server.calls).toEqual([])
    await late.read(SSMClient, get)
  })

  test('a region that nobody names is a fault of ours', async () => {
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

describe('whether something was written', () => {
  test('is remembered for what comes after it', async () => {
    const client = aws()
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(false)
    await client.write(SSMClient, update)
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(true)
    server.failNext(400, { __type: 'ValidationException', message: 'no' })
    expect((await write(client)).mayHaveWritten).toBe(true)
  })

  test('is not, where it was refused', async () => {
    const client = aws()
    server.failNext(400, { __type: 'ValidationException', message: 'no' })
    await write(client)
    server.failNext(500, { __type: 'InternalServerError', Message: 'oops' })
    expect((await read(client)).mayHaveWritten).toBe(false)
  })
})

describe('a dry run', () => {
  const rehearse = async (account: object, command: unknown = update) => {
    let shown: SentRequest | undefined
    const intercept = (request: SentRequest) => {
      shown = request
      throw new Error('rehearsed')
    }
    await expect(aws(account, { intercept }).write(SSMClient, command as typeof update)).rejects.toThrow('rehearsed')
    return shown
  }

  test('shows the first write, and sends nothing', async () => {
    expect(await rehearse({ endpoint: undefined })).toEqual({
      method: 'UpdateOpsItem',
      url: 'https://ssm.eu-west-1.amazonaws.com',
      headers: {},
      body: `{"OpsItemId":"${id}","Status":"Resolved"}`,
    })
    expect(await rehearse({})).toMatchObject({ url: server.url })
    expect(server.calls).toEqual([])
  })

  test('shows bytes as the text that they are', async () => {
    const content = new TextEncoder().encode('{"größe":1}')
    const command = new UpdateOpsItemCommand({ OpsItemId: id, Description: content as unknown as string })
    expect(JSON.parse((await rehearse({}, command))?.body ?? '')).toMatchObject({ Description: '{"größe":1}' })
  })

  test('looks all the same', async () => {
    const client = aws({}, { intercept: () => undefined })
    expect((await client.read(SSMClient, get)).OpsItem?.OpsItemId).toBe(id)
  })
})

describe('clients', () => {
  test('are one for each account, and keep their connections', async () => {
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

  test('are in the region of the function where the connection names none', async () => {
    expect(await aws({ region: undefined, endpoint: undefined }).region(SSMClient)).toBe('eu-west-1')
    expect(await aws({ region: 'us-west-2' }).region(SSMClient)).toBe('us-west-2')
  })

  test.each([
    ['eu-west-1', 'https://eu-west-1.console.aws.amazon.com/x/y?region=eu-west-1'],
    ['cn-north-1', 'https://cn-north-1.console.amazonaws.cn/x/y?region=cn-north-1'],
    ['us-gov-west-1', 'https://us-gov-west-1.console.amazonaws-us-gov.com/x/y?region=us-gov-west-1'],
  ])('of %s have their console', (region, url) => {
    expect(consoleUrl(region, 'x/y')).toBe(url)
  })
})

describe('another role', () => {
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

  test('is assumed once, with the external id that it asks for, and its token is sent', async () => {
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

  test('that may not be assumed is refused in the words of AWS, and nothing is in doubt', async () => {
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

  test('that may not do it itself is named', async () => {
    server.state.denied = ['GetOpsItem']
    expect((await read(aws({ roleArn, region: 'eu-central-1' }))).message).toMatch(
      /ssm:GetOpsItem\. Allow it in the policy of arn:aws:iam::210987654321:role\/webhooks\.$/,
    )
  })

  test('is asked for once where STS fails, and what was to be written certainly was not', async () => {
    answer = () => refused('ServiceUnavailable', 'Busy', 503)
    expect(await write(aws({ roleArn, region: 'eu-north-1' }))).toMatchObject({
      kind: 'platform',
      transient: true,
      mayHaveWritten: false,
    })
    expect(sts.calls).toHaveLength(1)
    expect(server.calls).toEqual([])
  })

  test('is waited for no longer than for an answer', async () => {
    sts.hang()
    const failure = await read(aws({ roleArn, region: 'eu-south-1' }, { deadlineAt: Date.now() + 100 }))
    expect(failure).toMatchObject({ kind: 'timeout', transient: true })
  })
})
