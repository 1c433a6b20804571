import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'
import { deniedMessage, signatureProblem } from '../../../platforms/aws-signature.ts'

export interface Published {
  id: string
  topic: string
  message: string
  subject: string | undefined
  attributes: Record<string, string>
  deduplication: string | undefined
  group: string | undefined
}

export type SnsServer = Awaited<ReturnType<typeof startSns>>

const ARN = 'arn:aws:sns:eu-west-1:123456789012'
const MAX_BYTES = 262_144
const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/'

/** The names of these errors in the Query protocol. */
const CODES = {
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
}

/**
 * The Query API of Amazon SNS: requests are forms, and responses are XML.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 * @see https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
 */
export const startSns = definePlatform({
  state: () => ({
    topics: [`${ARN}:deploys`, `${ARN}:deploys.fifo`],
    /** Delivered messages. */
    published: [] as Published[],
    /** Operations that the caller's role does not allow. */
    denied: [] as string[],
  }),
  headers: { 'content-type': 'text/xml' },
  refuses(call, { denied, topics }) {
    const problem = signatureProblem(call, 'sns')
    if (problem) return refuse(403, CODES[problem.type], problem.message)
    const action = actionOf(call)
    const topic = formOf(call).get('TopicArn') ?? ''
    if (denied.includes(action) || !topic.startsWith(`${ARN}:`))
      return refuse(403, 'AuthorizationError', deniedMessage(`SNS:${action}`, topic))
    return topics.includes(topic) ? undefined : refuse(404, 'NotFound', 'Topic does not exist')
  },
  operation: (call) => {
    const isForm = call.headers['content-type'] === 'application/x-www-form-urlencoded'
    const isKnown = isForm && formOf(call).get('Version') === '2010-03-31'
    return isKnown && call.method === 'POST' && call.path === '/' ? actionOf(call) : undefined
  },
  routes: {
    GetTopicAttributes: () => respond('GetTopicAttributes', '<Attributes/>'),
    Publish: ({ state, text }) => publish(state.published, new URLSearchParams(text)),
  },
  notFound: refuse(400, 'InvalidAction', 'The action or operation requested is invalid.'),
  members: (_, { calls }) => ({
    /** Returns the requested operations in order: `Publish`. */
    operations: () => calls.map(actionOf),
  }),
})

function formOf({ text }: Call): URLSearchParams {
  return new URLSearchParams(text)
}

function actionOf(call: Call): string {
  return formOf(call).get('Action') ?? ''
}

/** Returns an error in XML. */
export function snsError(code: string, message: string): string {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error>`
  return `<ErrorResponse xmlns="${NAMESPACE}">${error}<RequestId>7e67c0a1</RequestId></ErrorResponse>`
}

function refuse(status: number, code: string, message: string): Reply {
  return { status, body: snsError(code, message) }
}

function respond(action: string, result: string): Reply {
  const metadata = '<ResponseMetadata><RequestId>d74b8436</RequestId></ResponseMetadata>'
  const body = `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`
  return { status: 200, body }
}

function publish(published: Published[], form: URLSearchParams): Reply {
  const topic = form.get('TopicArn') ?? ''
  const message = form.get('Message') ?? ''
  const subject = form.get('Subject') ?? undefined
  const attributes = attributesIn(form)
  const bytes = Buffer.byteLength(message + Object.entries(attributes).flat().join(''))
  const invalid = (problem: string) => refuse(400, 'InvalidParameter', `Invalid parameter: ${problem}`)
  if (message === '') return invalid('Empty message')
  if (bytes > MAX_BYTES) return invalid('Message too long')
  if (subject !== undefined && !/^[\x21-\x7e][\x20-\x7e]{0,98}$/.test(subject)) return invalid('Subject')
  if (Object.values(attributes).includes(''))
    return refuse(400, 'ParameterValueInvalid', 'The message attribute must contain non-empty value')
  const deduplication = form.get('MessageDeduplicationId') ?? undefined
  const group = form.get('MessageGroupId') ?? undefined
  const isFifo = topic.endsWith('.fifo')
  if (isFifo && !group) return invalid('The MessageGroupId parameter is required for FIFO topics')
  if (isFifo && !deduplication)
    return invalid('The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided')
  if (!isFifo && deduplication)
    return invalid('The request includes MessageDeduplicationId parameter that is not valid')
  const earlier = published.find(
    (message) => message.topic === topic && deduplication && message.deduplication === deduplication,
  )
  const id = earlier?.id ?? `94f20ce6-13c5-43a0-9a9e-${String(published.length + 1).padStart(12, '0')}`
  if (!earlier) published.push({ id, topic, message, subject, attributes, deduplication, group })
  return respond(
    'Publish',
    `<MessageId>${id}</MessageId>${isFifo ? '<SequenceNumber>10000000000000003000</SequenceNumber>' : ''}`,
  )
}

function attributesIn(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (let number = 1; form.has(`MessageAttributes.entry.${number}.Name`); number++) {
    const entry = `MessageAttributes.entry.${number}`
    if (form.get(`${entry}.Value.DataType`) !== 'String') throw new Error(`${entry} has no type`)
    attributes[form.get(`${entry}.Name`) ?? ''] = form.get(`${entry}.Value.StringValue`) ?? ''
  }
  return attributes
}

export const messageRow = {
  writes: /^POST /,
  start: startWith(startSns, ({ url: endpoint }) => ({
    connection: { endpoint, region: 'eu-west-1', channel: 'arn:aws:sns:eu-west-1:123456789012:deploys' },
  })),
} satisfies MessageRow
