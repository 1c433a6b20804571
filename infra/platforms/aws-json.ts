import { awsOperation, type Call, type Reply, type Served, serve } from './loopback-server.ts'

const region = 'eu-west-1'
const account = '123456789012'

/** A service of AWS as it answers in the AWS JSON protocol. */
interface JsonService {
  /** As in signatures. */
  service: string
  target: string
  version: '1.0' | '1.1'
  answer(operation: string, input: Record<string, unknown>): Reply
}

/**
 * Fakes an AWS service that uses one path for all operations. Requests must be signed and name the operation.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export function serveJson({ service, target, version, answer }: JsonService): Promise<Served> {
  return serve((call) => {
    const wrong = unsigned(call, service)
    if (wrong) return wrong
    const { method, path, headers, body } = call
    const operation = awsOperation(call) ?? ''
    if (method !== 'POST' || path !== '/' || headers['x-amz-target'] !== `${target}.${operation}`)
      return awsError('com.amazon.coral.service#UnknownOperationException')
    if (headers['content-type'] !== `application/x-amz-json-${version}`)
      return awsError('com.amazon.coral.service#SerializationException')
    const reply = answer(operation, body as Record<string, unknown>)
    return { ...reply, headers: { 'content-type': `application/x-amz-json-${version}` } }
  })
}

/** A refusal as AWS writes it. */
export function awsError(type: string, message?: string, status = 400): Reply {
  return { status, body: { __type: type, ...(message === undefined ? {} : { message }) } }
}

/** The refusal of a role that may not do it; IAM writes `Message` with a capital. */
export function denied(action: string, on: string): Reply {
  const who = `arn:aws:sts::${account}:assumed-role/webhooks/function`
  const Message = `User: ${who} is not authorized to perform: ${action} on resource: ${on} because no identity-based policy allows the ${action} action`
  return { status: 400, body: { __type: 'com.amazon.coral.service#AccessDeniedException', Message } }
}

function unsigned({ headers }: Call, service: string): Reply | undefined {
  const [, key, where, called, signed = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/([\w-]+)\/([\w-]+)\/aws4_request, SignedHeaders=(.+), Signature=\w{64}$/.exec(
      String(headers['authorization']),
    ) ?? []
  const named = (type: string, message: string) => awsError(`com.amazon.coral.service#${type}`, message)
  if (!key) return named('MissingAuthenticationTokenException', 'Missing Authentication Token')
  if (key !== process.env['AWS_ACCESS_KEY_ID'])
    return named('UnrecognizedClientException', 'The security token included in the request is invalid.')
  const own = Object.keys(headers).filter((name) => name.startsWith('x-amz-'))
  if (where !== region || called !== service || own.some((name) => !signed.split(';').includes(name)))
    return named(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided.',
    )
  return undefined
}
