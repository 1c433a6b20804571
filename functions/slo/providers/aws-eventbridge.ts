import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { callJson, reason } from '../../../shared/aws/json-protocol.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure, toSentence } from '../../../shared/errors.ts'
import { optional, withDescription } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { byteLength } from '../../../shared/text/plain-text.ts'

const bus = z
  .string()
  .check(z.maxLength(1_600), z.regex(/^(?:arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:\d{12}:event-bus\/)?[\w.-]+$/))
const connection = z.strictObject({
  ...awsAccountFields,
  eventBus: z._default(withDescription(bus, 'The event bus, by its name or ARN'), 'default'),
})
type Connection = z.output<typeof connection>

const platform = 'AWS EventBridge'
const service = 'events'
const api = { target: 'AWSEvents', version: '1.1' } as const

/** What rules match. */
const Source = 'cloud-automation-webhooks'
const DetailType = 'evaluation.finished'
/** Bytes of UTF-8 that an entry may have. */
const largestEntry = 256 * 1_024
/** What is left of an evaluation that has no room with all of its details. */
const kept = ['result', 'score', 'timeStart', 'timeEnd', 'errorBudget', 'url']

const described = z.object({ Name: z.string() })
const answered = z.object({
  FailedEntryCount: z.nullish(z.number()),
  Entries: z
    .array(
      z.object({ EventId: optional(z.string()), ErrorCode: optional(z.string()), ErrorMessage: optional(z.string()) }),
    )
    .check(z.length(1)),
})

/**
 * An event on a bus of Amazon EventBridge. It carries the key of its call, by which who gets it twice knows the second.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export const awsEventBridge = defineReportProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.endpointOf(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.regionOf(account, platform) } }),
  errorReason: reason,
  isCredentialsError: rest.refusesCredentials,

  // Events to a bus that is not there are taken, and lost without a word.
  check: ({ http, connection: { eventBus: Name } }) =>
    callJson(http, api, 'DescribeEventBus', { Name }, { isRead: true, schema: described }),

  supportedFields: [],

  async report({ http, connection: { eventBus: EventBusName }, idempotencyKey: key }, _to, report) {
    const entry = { Source, DetailType, Detail: detailOf(report, key), EventBusName }
    const { Entries } = await callJson(http, api, 'PutEvents', { Entries: [entry] }, { schema: answered })
    const [{ EventId, ErrorCode, ErrorMessage } = {}] = Entries
    if (EventId !== undefined && ErrorCode === undefined) return { id: EventId, summary: `an event on ${EventBusName}` }
    const said = toSentence([ErrorCode ?? 'an entry that failed', ErrorMessage].filter(Boolean).join(': '))
    const passing = /Throttl|Internal|Unavailable/.test(ErrorCode ?? '')
    throw new Failure(passing ? 'platform' : 'refused', `${platform} did not take the event: ${said}`, {
      nothingWritten: true,
    })
  },
})

function detailOf({ evaluation, event, message }: Report, key: string | undefined): string {
  const [link] = message.links
  const { id: eventId, ...about } = event
  const detail = { key, eventId, ...about, title: message.title, ...(link ? { url: link.url } : {}) }
  const whole = JSON.stringify({ ...detail, evaluation })
  if (byteLength(Source + DetailType + whole) < largestEntry) return whole
  const short = Object.fromEntries(Object.entries(evaluation).filter(([name]) => kept.includes(name)))
  const omitted = 'The details of the evaluation are too large for an event: read them in the event of this id.'
  return JSON.stringify({ ...detail, evaluation: short, omitted })
}
