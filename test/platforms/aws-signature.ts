import type { Call, Reply } from '../../infra/testing/loopback-server.ts'

const ROLE_ARN = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'

interface AwsProblem {
  type: 'MissingAuthenticationTokenException' | 'UnrecognizedClientException' | 'InvalidSignatureException'
  message: string
}

/** Returns what is wrong with the credentials of a request, except the signature itself. Any region is valid by default. */
export function signatureProblem({ headers }: Call, service: string, region?: string): AwsProblem | undefined {
  const [, key, signedRegion, signedService, signed = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=(.+), Signature=\w{64}$/.exec(
      String(headers['authorization']),
    ) ?? []
  if (!key) return { type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' }
  if (key !== process.env['AWS_ACCESS_KEY_ID'])
    return {
      type: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    }
  if (region !== undefined && signedRegion !== region)
    return { type: 'InvalidSignatureException', message: 'Credential should be scoped to a valid region.' }
  const own = Object.keys(headers).filter((name) => name.startsWith('x-amz-'))
  if (signedService === service && own.every((name) => signed.split(';').includes(name))) return undefined
  return {
    type: 'InvalidSignatureException',
    message: 'The request signature we calculated does not match the signature you provided.',
  }
}

/** Returns the message of IAM for a role that lacks a permission. */
export function deniedMessage(action: string, resource: unknown = '*'): string {
  return `User: ${ROLE_ARN} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`
}

/** Returns an error of a REST API of AWS: its type in a header, its message in the body. */
export function restError(status: number, type: string, message: string): Reply {
  return { status, body: { message }, headers: { 'x-amzn-errortype': type } }
}

/** Checks the credentials of a request to a REST API of AWS. Returns an error, or undefined if they are valid. */
export function restSignatureError(call: Call, service: string): Reply | undefined {
  const problem = signatureProblem(call, service, 'eu-west-1')
  return problem && restError(403, problem.type, problem.message)
}

/** Returns the refusal of a REST API of AWS. IAM writes `Message` with a capital. */
export function restDenied(action: string): Reply {
  return { ...restError(403, 'AccessDeniedException', ''), body: { Message: deniedMessage(action) } }
}
