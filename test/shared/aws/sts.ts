import { afterEach, beforeEach } from '@jest/globals'
import { type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { startEach } from '../../functions/helpers.ts'

const headers = { 'content-type': 'text/xml' }
const XMLNS = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'

/** Starts a fake of STS before each test, which the AWS clients then use. It returns credentials of one hour. */
export function startSts(keyId?: string): Served {
  const sts = startEach(() => serve(() => assumed(3_600, keyId)))
  beforeEach(() => {
    process.env['AWS_ENDPOINT_URL_STS'] = sts.url
  })
  afterEach(() => {
    delete process.env['AWS_ENDPOINT_URL_STS']
  })
  return sts
}

/** Returns credentials of a role that expire after the given number of seconds. */
export function assumed(seconds: number, keyId = 'AKIDEXAMPLE'): Reply & { body: string } {
  const ends = new Date(Date.now() + seconds * 1_000).toISOString()
  const credentials = `<AccessKeyId>${keyId}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>a-session-token</SessionToken><Expiration>${ends}</Expiration>`
  const result = `<AssumeRoleResult><Credentials>${credentials}</Credentials></AssumeRoleResult>`
  return { status: 200, headers, body: `<AssumeRoleResponse ${XMLNS}>${result}</AssumeRoleResponse>` }
}

/** Fails the next requests to STS. */
export function failSts(sts: Served, status: number, code: string, message: string): void {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`
  sts.failNext(status, `<ErrorResponse ${XMLNS}>${error}</ErrorResponse>`, { headers })
}

/** Returns what a request asked STS for. */
export function askedOf(sts: Served): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(String(sts.calls[0]?.body)))
}
