import '../../functions/aws.ts'
import { GetOpsItemCommand, SSMClient, UpdateOpsItemCommand } from '@aws-sdk/client-ssm'
import { describe, expect, jest, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { Aws } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import type { SentRequest } from '../../../shared/http/exchange.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { failureOf, startEach, timeOut } from '../../functions/helpers.ts'
import { startSsm } from '../../platforms/aws-ssm.ts'
import { askedOf, failSts, startSts } from './sts.ts'

const server = startEach(async () => {
  const started = await startSsm()
  const more = { Title: '', Description: '', Source: '', Status: 'Open', OperationalData: {}, Tags: {} }
  started.state.opsItems.push({ OpsItemId: id, ...more })
  return started
})

const id = 'oi-000000000001'
const get = new GetOpsItemCommand({ OpsItemId: id })
const update = new UpdateOpsItemCommand({ OpsItemId: id, Status: 'Resolved' })

const aws = (account: object = {}, more: object = {}) =>
  new Aws({ platform: 'OpsCenter', account: { endpoint: server.url, region: 'eu-west-1', ...account }, ...more })
const reading = (client = aws()) => client.read(SSMClient, get)
const writing = (client = aws()) => client.write(SSMClient, update)
const read = (client?: Aws) => failureOf(reading(client))
const write = (client?: Aws) => failureOf(writing(client))
const unanswered = (by: Served, send: () => Promise<unknown>) => timeOut(send, () => by.calls.length > 0)
const oops = { __type: 'InternalServerError', Message: 'oops' }
const no = { __type: 'ValidationException', message: 'no' }

describe('AWS client: responses', () => {
  test('returns the output of the SDK', async () => {
    const { OpsItem } = await reading()
    expect(OpsItem).toMatchObject({ OpsItemId: id, Status: 'Open' })
    await writing()
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

  test.each([
    ['UnrecognizedClientException', 400, 'credentials', 'The security token included in the request is invalid.'],
    ['InvalidClientTokenId', 400, 'credentials', 'The security token included in the request is invalid.'],
    ['ExpiredTokenException', 400, 'credentials', 'The security token included in the request is expired'],
    ['OpsItemAccessDeniedException', 400, 'refused', 'Allow it under awsProviders in cdk.json, and deploy.'],
    ['AccessDeniedException', 400, 'refused', 'Allow it under awsProviders in cdk.json, and deploy.'],
    ['OpsItemNotFoundException', 400, 'refused', ''],
    ['ThrottlingException', 400, 'platform', 'Rate exceeded'],
    ['TooManyRequestsException', 429, 'platform', 'Rate exceeded'],
    ['RequestLimitExceeded', 400, 'platform', 'Rate exceeded'],
    ['ProvisionedThroughputExceededThrottling', 400, 'platform', 'Rate exceeded'],
  ])('reports %s with the status %i as %s', async (__type, status, kind, words) => {
    const message = words.startsWith('Allow') ? 'not allowed' : words || undefined
    server.failNext(status, { __type, message }, { headers: { 'retry-after': '4' } })
    const failure = await write()
    expect(failure).toMatchObject({ kind, mayHaveWritten: false, ...(kind === 'platform' ? { retryAfter: 4 } : {}) })
    const reason = message === words ? words : [message, words].filter(Boolean).join('. ')
    expect(failure.message).toContain(`OpsCenter answered ${__type} to UpdateOpsItem: ${reason}`)
  })

  test('accepts a date in Retry-After', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }
    server.failNext(503, oops, { headers })
    const { retryAfter = 0 } = await read()
    expect(retryAfter).toBeGreaterThan(55)
    expect(retryAfter).toBeLessThanOrEqual(61)
  })

  test('treats a 5xx status as transient, sends no request again, and a write may have happened', async () => {
    server.failNext(500, oops, { times: 2 })
    const transient = { kind: 'platform', transient: true, retryAfter: undefined }
    expect(await read()).toMatchObject({ ...transient, mayHaveWritten: false })
    expect(await write()).toMatchObject({ ...transient, mayHaveWritten: true })
    expect(server.calls).toHaveLength(2)
  })

  test.each([200, 400, 503])('fails for a body that is not JSON with the status %i', async (status) => {
    server.failNext(status, '<html>A proxy</html>')
    const message = `OpsCenter answered ${status} to UpdateOpsItem with a body that is not JSON.`
    expect(await write()).toMatchObject({ kind: 'platform', message, mayHaveWritten: status !== 400 })
  })

  test('treats the exceptions that the caller names as transient', async () => {
    const conflict = { __type: 'OpsItemConflictException', Message: 'It is being deleted' }
    server.failNext(400, conflict, { times: 2 })
    expect(await write()).toMatchObject({ kind: 'refused' })
    const passing = await failureOf(aws().write(SSMClient, update, 'OpsItemConflictException'))
    expect(passing).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
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
    const message = 'OpsCenter could not be reached: socket hang up (UpdateOpsItem).'
    expect(await write()).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true, message })
  })

  test('reports that nothing was written if the connection is refused', async () => {
    const message = expect.stringContaining('ECONNREFUSED')
    const expected = { kind: 'platform', transient: true, mayHaveWritten: false, message }
    expect(await write(aws({ endpoint: 'http://127.0.0.1:9' }))).toMatchObject(expected)
  })

  test('waits for a response until the deadline, but at least one second', async () => {
    server.hang()
    const late = aws({}, { deadlineAt: Date.now() + 200 })
    const { failure } = await unanswered(server, () => writing(late))
    const message = 'OpsCenter did not respond within 1 s (UpdateOpsItem).'
    expect(failure).toMatchObject({ kind: 'timeout', transient: true, mayHaveWritten: true, message })
  })

  test('only reads after the deadline', async () => {
    const late = aws({}, { deadlineAt: Date.now() - 1 })
    expect(await write(late)).toMatchObject({ kind: 'deadline', mayHaveWritten: false })
    expect(server.calls).toEqual([])
    await reading(late)
  })

  test('reports a missing region as misconfigured', async () => {
    const region = process.env['AWS_REGION']
    delete process.env['AWS_REGION']
    const failure = await write(aws({ endpoint: `${server.url}/`, region: undefined }))
    process.env['AWS_REGION'] = region
    const message = 'UpdateOpsItem could not be sent to OpsCenter: Region is missing'
    expect(failure).toMatchObject({ kind: 'misconfigured', message, transient: false, mayHaveWritten: false })
  })
})

describe('AWS client: mayHaveWritten', () => {
  test('stays true for all requests after a write', async () => {
    const client = aws()
    server.failNext(500, oops)
    expect((await read(client)).mayHaveWritten).toBe(false)
    await writing(client)
    server.failNext(500, oops)
    expect((await read(client)).mayHaveWritten).toBe(true)
    server.failNext(400, no)
    expect((await write(client)).mayHaveWritten).toBe(true)
  })

  test('stays false after a refused write', async () => {
    const client = aws()
    server.failNext(400, no)
    await write(client)
    server.failNext(500, oops)
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
    const body = `{"OpsItemId":"${id}","Status":"Resolved"}`
    const url = 'https://ssm.eu-west-1.amazonaws.com'
    expect(await rehearse({ endpoint: undefined })).toEqual({ method: 'UpdateOpsItem', url, headers: {}, body })
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
    expect((await reading(client)).OpsItem?.OpsItemId).toBe(id)
  })
})

describe('AWS clients', () => {
  test('are created once per account', async () => {
    await reading()
    await reading()
    await reading(aws({ region: 'us-east-1' }))
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
  const sts = startSts()

  test('assumes the role once, with the external id, and sends its session token', async () => {
    const account = { roleArn, externalId: 'an-id' }
    await reading(aws(account))
    await writing(aws(account))
    expect(sts.calls).toHaveLength(1)
    const asked = { Action: 'AssumeRole', RoleArn: roleArn, RoleSessionName: 'cloud-automation-webhooks' }
    expect(askedOf(sts)).toMatchObject({ ...asked, ExternalId: 'an-id' })
    const sent = server.calls.map(({ headers }) => headers['x-amz-security-token'])
    expect(sent).toEqual(['a-session-token', 'a-session-token'])
  })

  test('assumes the role before it asks whether a write may be sent', async () => {
    const asked: number[] = []
    const beforeWrite = async () => void asked.push(sts.calls.length, server.calls.length)
    await writing(aws({ roleArn, region: 'ap-south-1' }, { beforeWrite }))
    expect([...asked, server.calls.length]).toEqual([1, 0, 1])
  })

  test('has written nothing if STS does not respond', async () => {
    sts.hang()
    const client = aws({ roleArn, region: 'ap-east-1' })
    const { failure } = await unanswered(sts, () => writing(client))
    expect(failure).toMatchObject({ kind: 'timeout', mayHaveWritten: false })
    expect(server.calls).toEqual([])
  })

  test('reports that the role cannot be assumed and that nothing was written', async () => {
    const user = 'arn:aws:sts::123456789012:assumed-role/f'
    const reason = `User: ${user} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`
    failSts(sts, 403, 'AccessDenied', reason)
    const failure = await write(aws({ roleArn }))
    expect(failure).toMatchObject({ kind: 'refused', mayHaveWritten: false })
    expect(failure.message).toBe(
      `OpsCenter answered AccessDenied to UpdateOpsItem: ${reason}. Allow it under awsProviders in cdk.json, and deploy.`,
    )
    await reading(aws({ roleArn }))
  })

  test('names the role whose policy lacks the permission', async () => {
    server.state.denied = ['GetOpsItem']
    const expected = /ssm:GetOpsItem action\. Allow it in the policy of arn:aws:iam::210987654321:role\/webhooks\.$/
    expect((await read(aws({ roleArn, region: 'eu-central-1' }))).message).toMatch(expected)
  })

  test('calls STS once if STS fails and reports that nothing was written', async () => {
    failSts(sts, 503, 'ServiceUnavailable', 'Busy')
    const failure = await write(aws({ roleArn, region: 'eu-north-1' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(sts.calls).toHaveLength(1)
    expect(server.calls).toEqual([])
  })

  test('waits for STS no longer than for a response', async () => {
    sts.hang()
    const client = aws({ roleArn, region: 'eu-south-1' })
    const { failure } = await unanswered(sts, () => reading(client))
    expect(failure.kind).toBe('timeout')
  })
})
