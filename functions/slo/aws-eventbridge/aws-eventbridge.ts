import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { callJson, errorReason } from '../../../shared/aws/json-protocol.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { refused, retryLater, toSentence } from '../../../shared/errors.ts'
import { optional, withDescription } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { byteLength } from '../../../shared/text/plain-text.ts'

const bus = z
  .string()
  .check(z.maxLength(1_600), z.regex(/^(?:arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:\d{12}:event-bus\/)?[\w.-]+$/))
const connection = z.strictObject({
  ...awsAccountFields,
  eventBus: z._default(withDescription(bus, 'The name or the ARN of the event bus'), 'default'),
})
type Connection = z.output<typeof connection>

const platform = 'AWS EventBridge'
const service = 'events'
const api = { target: 'AWSEvents', version: '1.1' } as const

/** Rules match these two. */
const Source = 'cloud-automation-webhooks'
const DetailType = 'evaluation.finished'
const MAX_ENTRY_BYTES = 256 * 1_024
/** The fields of an evaluation that is too large to send in full. */
const summaryFields = ['result', 'score', 'timeStart', 'timeEnd', 'errorBudget', 'url']

const busDescription = z.object({ Name: z.string() })
const putEventsResponse = z.object({
  FailedEntryCount: z.nullish(z.number()),
  Entries: z
    .array(
      z.object({ EventId: optional(z.string()), ErrorCode: optional(z.string()), ErrorMessage: optional(z.string()) }),
    )
    .check(z.length(1)),
})

/**
 * Reports an evaluation as an event on an Amazon EventBridge bus. EventBridge may deliver it twice; its detail has the
 * idempotency key, so that consumers recognize the second one.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export const awsEventBridge = defineReportProvider({
  title: platform,
  effect: 'irreversible',
  connection,
  baseUrl: (account) => rest.serviceUrl(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.accountRegion(account, platform) } }),
  errorReason,
  isCredentialsError: rest.isCredentialsError,

  // EventBridge accepts events for a bus that does not exist, and drops them.
  check: ({ http, connection: { eventBus: Name } }) =>
    callJson(http, api, 'DescribeEventBus', { Name }, { isRead: true, schema: busDescription }),

  supportedFields: [],

  showsOnce: 'as long as the receiver remembers `detail.key`',

  async report({ http, connection: { eventBus: EventBusName }, idempotencyKey }, _destination, report) {
    const entry = { Source, DetailType, Detail: detailOf(report, idempotencyKey), EventBusName }
    const { Entries } = await callJson(http, api, 'PutEvents', { Entries: [entry] }, { schema: putEventsResponse })
    const [{ EventId, ErrorCode, ErrorMessage } = {}] = Entries
    if (EventId !== undefined && ErrorCode === undefined) return { id: EventId, summary: `an event on ${EventBusName}` }
    const reason = toSentence([ErrorCode ?? 'the entry failed', ErrorMessage].filter(Boolean).join(': '))
    const isTransient = /Throttl|Internal|Unavailable/.test(ErrorCode ?? '')
    const notAccepted = isTransient ? retryLater : refused
    throw notAccepted(`${platform} did not accept the event: ${reason}`, { nothingWritten: true })
  },
})

function detailOf({ evaluation, event, message }: Report, key: string | undefined): string {
  const [link] = message.links
  const { id: eventId, ...about } = event
  const detail = { key, eventId, ...about, title: message.title, ...(link ? { url: link.url } : {}) }
  const complete = JSON.stringify({ ...detail, evaluation })
  if (byteLength(Source + DetailType + complete) < MAX_ENTRY_BYTES) return complete
  const summary = Object.fromEntries(Object.entries(evaluation).filter(([name]) => summaryFields.includes(name)))
  const omitted = 'The evaluation is too large for an event. Read the details from the event with this eventId.'
  return JSON.stringify({ ...detail, evaluation: summary, omitted })
}
