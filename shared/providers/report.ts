import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import { type EventEvaluation, evaluationIn } from '../evaluation/evaluation.ts'
import { id, name, optional, vendorFields } from '../fields.ts'
import type { CallEvent } from '../orchestrators/keptn/event.ts'
import { passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { ImmediateAction } from './action.ts'
import type { Message, MessageContext } from './message.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'
import { channelField } from './push-update.ts'

/** An evaluation that is told of. */
export interface Report {
  evaluation: EventEvaluation & { result: 'pass' | 'warning' | 'fail' }
  /** The same, as people are to read it. */
  message: Message
  event: Pick<CallEvent, 'id' | 'task' | 'shkeptncontext'> &
    Pick<CallEvent['data'], 'project' | 'stage' | 'service' | 'status' | 'labels'>
}

const input = z.strictObject({
  channel: channelField,
  id: optional(id('The ticket that is commented on: `data.id` of what was opened')),
  project: optional(
    name("Where, as the platform names it: owner/repo, a project key; the connection's default where left out"),
  ),
  ref: optional(name('The commit that it is about, as its whole SHA')),
  fields: optional(vendorFields('What only this platform knows, sent as it is')),
})

/** Where a report goes. */
export type ReportDestination = z.output<typeof input>

/** What a platform says of a report that it has taken. */
export interface ReportResult {
  id?: string | undefined
  url?: string | undefined
  /** What was made, for people: `status slo/checkout`. */
  summary: string
}

/** A platform that takes reports: vendor knowledge only. */
export interface ReportProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'report'
  /** The fields of the input that it takes beside `fields`; each other one is refused. */
  supportedFields: readonly (keyof ReportDestination)[]
  /** The destination, completed by the connection. Throws Failure `invalid` for one that is none. */
  resolveDestination?(to: ReportDestination, connection: z.output<S>): ReportDestination
  /** Makes it once, where the platform lets us: what carries `client.key` is found, or replaced, by a repeat. */
  report(client: Client<z.output<S>>, to: ReportDestination, report: Report): Promise<ReportResult>
}

/** Declares a report provider; the schema of its connection types the client of each of its functions. */
export function defineReportProvider<S extends z.ZodMiniObject, P extends Omit<ReportProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, ReportProvider>,
): P & { kind: 'report' } {
  return { kind: 'report', ...provider }
}

interface Push {
  to: ReportDestination
  report: Report
}

/** A destination as it was asked for, and what is told there. */
interface Prepared extends Omit<Report, 'event'> {
  asked: ReportDestination
}

/** Tells of an evaluation elsewhere. */
export function pushReport({
  summary,
  compose,
}: {
  summary: string
  /** How an evaluation is told to people. */
  compose: (occasion: MessageContext) => Promise<Message>
}): ImmediateAction<ReportProvider, Push, Prepared> {
  return {
    type: 'immediate',
    kind: 'report',
    summary,
    isNotification: true,
    input,
    outputs: ['id', 'url'],
    deadline: 3_600,
    async prepare(asked: ReportDestination, { event, bridgeUrl }) {
      const evaluation = evaluationOf(event)
      const data = { ...event.data, result: evaluation.result }
      const told = { ...event, kind: 'finished', properties: evaluation, data } as const
      return { asked, evaluation, message: await compose({ event: told, bridgeUrl }) }
    },
    complete({ asked, evaluation, message }, { event, connection, provider }) {
      refuseOthers(asked, provider)
      const to = provider.resolveDestination?.(asked, connection) ?? asked
      const { id, task, shkeptncontext, data } = event
      const { project, stage, service, status, labels } = data
      const about = { id, task, shkeptncontext, project, stage, service, status, labels }
      return { to, report: { evaluation, message, event: about } }
    },
    async run(provider, client, { to, report }) {
      const { id, url, summary: what } = await provider.report(client, to, report)
      const link = `${slug(provider.title)} report`
      return passed(
        `Reported "${report.message.title}" to ${provider.title}: ${what}`,
        { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) },
        url === undefined ? {} : { [link]: url },
      )
    },
  }
}

/** Of the task that the event is about, or else of an earlier evaluation of its sequence. */
function evaluationOf({ properties, data }: CallEvent): Report['evaluation'] {
  const found = evaluationIn(properties) ?? evaluationIn(data.evaluation)
  const result = found?.result ?? data.result
  if (found && (result === 'pass' || result === 'warning' || result === 'fail')) return { ...found, result }
  const message =
    'is missing: send an evaluation.finished event with data.evaluation (score, result, indicatorResults) as it is'
  throw new Failure('invalid', `data.evaluation ${message}`, { errors: [{ path: 'data.evaluation', message }] })
}

/** What would be dropped in silence is refused. */
function refuseOthers(asked: ReportDestination, { title, supportedFields }: ReportProvider): void {
  const given = (Object.keys(asked) as (keyof ReportDestination)[]).filter((field) => asked[field] !== undefined)
  const errors = given
    .filter((field) => !supportedFields.includes(field))
    .map((field) => ({ path: `input.${field}`, message: `is of no use for ${title}: leave it out` }))
  const [first] = errors
  if (first) throw new Failure('invalid', `${first.path} ${first.message}`, { errors })
}
