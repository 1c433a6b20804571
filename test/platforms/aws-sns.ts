import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { deniedMessage, signatureProblem } from './aws-signature.ts'

interface Published {
  id: string
  topic: string
  message: string
  subject: string | undefined
  attributes: Record<string, string>
  deduplication: string | undefined
  group: string | undefined
}

interface SnsState {
  topics: string[]
  /** Delivered messages. */
  published: Published[]
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface SnsServer extends Served {
  state: SnsState
  /** The requested operations in order: `Publish`. */
  operations(): string[]
}

const region = 'eu-west-1'
const account = '123456789012'
const MAX_BYTES = 262_144
const namespace = 'http://sns.amazonaws.com/doc/2010-03-31/'

/**
 * Amazon SNS as its Query API answers: a form comes in, and XML goes out.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * @see https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
 */
export async function startSns(): Promise<SnsServer> {
  const arn = `arn:aws:sns:${region}:${account}`
  const state: SnsState = { topics: [`${arn}:deploys`, `${arn}:deploys.fifo`], published: [], denied: [] }
  const served = await serve((call) => answer(state, call))
  const actionOf = ({ body }: Call) => new URLSearchParams(String(body)).get('Action') ?? ''
  return { ...served, state, operations: () => served.calls.map(actionOf) }
}

/** An error as AWS writes it. */
export function snsError(code: string, message: string): string {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error>`
  return `<ErrorResponse xmlns="${namespace}">${error}<RequestId>7e67c0a1</RequestId></ErrorResponse>`
}

function refuse(status: number, code: string, message: string): Reply {
  return { status, body: snsError(code, message), headers: { 'content-type': 'text/xml' } }
}

function done(action: string, result: string): Reply {
  const body = `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>d74b8436</RequestId></ResponseMetadata></${action}Response>`
  return { status: 200, body, headers: { 'content-type': 'text/xml' } }
}

/** The names of these errors in the Query protocol. */
const CODES = {
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
}

function answer(state: SnsState, call: Call): Reply {
  const { method, path, headers, body } = call
  const problem = signatureProblem(call, 'sns')
  if (problem) return refuse(403, CODES[problem.type], problem.message)
  if (method !== 'POST' || path !== '/' || headers['content-type'] !== 'application/x-www-form-urlencoded')
    return refuse(400, 'InvalidAction', 'The action or operation requested is invalid.')
  const form = new URLSearchParams(String(body))
  const action = form.get('Action') ?? ''
  const topic = form.get('TopicArn') ?? ''
  if (form.get('Version') !== '2010-03-31' || !['Publish', 'GetTopicAttributes'].includes(action))
    return refuse(400, 'InvalidAction', `Could not find operation ${action} for version ${form.get('Version')}`)
  if (state.denied.includes(action) || !topic.startsWith(`arn:aws:sns:${region}:${account}:`))
    return refuse(403, 'AuthorizationError', deniedMessage(`SNS:${action}`, topic))
  if (!state.topics.includes(topic)) return refuse(404, 'NotFound', 'Topic does not exist')
  if (action === 'GetTopicAttributes') return done(action, '<Attributes/>')
  return publish(state, form, topic)
}

function publish(state: SnsState, form: URLSearchParams, topic: string): Reply {
  const message = form.get('Message') ?? ''
  const subject = form.get('Subject') ?? undefined
  const attributes = attributesIn(form)
  const bytes = Buffer.byteLength(message + Object.entries(attributes).flat().join(''))
  const wrong = (what: string) => refuse(400, 'InvalidParameter', `Invalid parameter: ${what}`)
  if (message === '') return wrong('Empty message')
  if (bytes > MAX_BYTES) return wrong('Message too long')
  if (subject !== undefined && !/^[\x21-\x7e][\x20-\x7e]{0,98}$/.test(subject)) return wrong('Subject')
  if (Object.values(attributes).includes(''))
    return refuse(400, 'ParameterValueInvalid', 'The message attribute must contain non-empty value')
  const deduplication = form.get('MessageDeduplicationId') ?? undefined
  const group = form.get('MessageGroupId') ?? undefined
  const isFifo = topic.endsWith('.fifo')
  if (isFifo && !group) return wrong('The MessageGroupId parameter is required for FIFO topics')
  if (isFifo && !deduplication)
    return wrong('The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided')
  if (!isFifo && deduplication) return wrong('The request includes MessageDeduplicationId parameter that is not valid')
  const seen = state.published.find(
    (one) => one.topic === topic && deduplication && one.deduplication === deduplication,
  )
  const id = seen?.id ?? `94f20ce6-13c5-43a0-9a9e-${String(state.published.length + 1).padStart(12, '0')}`
  if (!seen) state.published.push({ id, topic, message, subject, attributes, deduplication, group })
  return done(
    'Publish',
    `<MessageId>${id}</MessageId>${isFifo ? '<SequenceNumber>10000000000000003000</SequenceNumber>' : ''}`,
  )
}

function attributesIn(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (let at = 1; form.has(`MessageAttributes.entry.${at}.Name`); at++) {
    const entry = `MessageAttributes.entry.${at}`
    if (form.get(`${entry}.Value.DataType`) !== 'String') throw new Error(`${entry} has no type`)
    attributes[form.get(`${entry}.Name`) ?? ''] = form.get(`${entry}.Value.StringValue`) ?? ''
  }
  return attributes
}
