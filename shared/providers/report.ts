import * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import { type EventEvaluation, evaluationIn } from '../evaluation/evaluation.ts'
import { id, name, optional, vendorFields } from '../fields.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import { passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { ImmediateAction } from './action.ts'
import type { Message, MessageContext } from './message.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'
import { channelField } from './push-update.ts'
import { refuseUnsupported } from './unsupported-input.ts'

/** An evaluation to report. */
export interface Report {
  evaluation: EventEvaluation & { result: 'pass' | 'warning' | 'fail' }
  /** The evaluation as a message for people. */
  message: Message
  event: Pick<CallEvent, 'id' | 'task'> & { shkeptncontext: string | undefined } & Pick<
      CallEvent['data'],
      'project' | 'stage' | 'service' | 'status' | 'labels'
    >
}

const input = z.strictObject({
  channel: channelField,
  id: optional(id('Ticket to comment on: `data.id` of the opened ticket')),
  project: optional(
    name("Project, by the platform's name: owner/repo, a project key. Defaults to the connection's project"),
  ),
  ref: optional(name('Commit of a status or check, as a full SHA')),
  fields: optional(vendorFields('Fields of this platform only, sent unchanged')),
})

export type ReportDestination = z.output<typeof input>

export interface ReportResult {
  id?: string | undefined
  url?: string | undefined
  /** Describes the created object, for people: `status slo/checkout`. */
  summary: string
}

/** A platform that accepts reports. The action `pushReport` does everything else. */
export interface ReportProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'report'
  /** The supported fields of the input. All others are refused. */
  supportedFields: readonly (keyof ReportDestination)[]
  /** Returns the destination with the defaults of the connection. Throws Failure `invalid`. */
  resolveDestination?(to: ReportDestination, connection: z.output<S>): ReportDestination
  /** Reports the evaluation. If the platform allows it, a retry finds or replaces what has `client.idempotencyKey`. */
  report(client: Client<z.output<S>>, to: ReportDestination, report: Report): Promise<ReportResult>
  /** Readers see two reports with one key as one: always, or for a time, for people: `some minutes`. A retry reports again. */
  showsOnce?: true | string
}

/**
 * Declares a report provider. The schema of its connection types the client of each function.
 *
 * @example
 * export const acme = defineReportProvider({
 *   title: 'Acme',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me'),
 *   supportedFields: ['ref'],
 *   async report({ http }, { ref }, { evaluation }) {
 *     const { body } = await http.post('reports', { ref, score: evaluation.score }, { schema: created })
 *     return { id: body.id, url: body.url, summary: `report ${body.id}` }
 *   },
 * })
 */
export function defineReportProvider<S extends z.ZodMiniObject, P extends Omit<ReportProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, ReportProvider>,
): P & { kind: 'report' } {
  return { kind: 'report', ...provider }
}

export interface PushReport {
  to: ReportDestination
  report: Report
}

export interface PreparedReport extends Omit<Report, 'event'> {
  destination: ReportDestination
}

/** Returns an action that reports an evaluation to another platform. */
export function pushReport({
  summary,
  compose,
}: {
  summary: string
  /** Returns the evaluation as a message for people. */
  compose: (context: MessageContext) => Promise<Message>
}): ImmediateAction<ReportProvider, PushReport, PreparedReport> {
  return {
    type: 'immediate',
    kind: 'report',
    effect: 'reversible',
    summary,
    isNotification: true,
    input,
    outputs: ['id', 'url'],
    deadline: 3_600,
    async prepare(destination: ReportDestination, { event, sequenceUrl }) {
      const evaluation = evaluationOf(event)
      const data = { ...event.data, result: evaluation.result }
      const finished = { ...event, kind: 'finished', properties: evaluation, data } as const
      return { destination, evaluation, message: await compose({ event: finished, sequenceUrl }) }
    },
    complete({ destination, evaluation, message }, { event, connection, provider }) {
      const others = Object.entries(destination).filter(
        ([field]) => !(provider.supportedFields as readonly string[]).includes(field),
      )
      refuseUnsupported(provider.title, Object.fromEntries(others))
      const to = provider.resolveDestination?.(destination, connection) ?? destination
      const { id, task, context: shkeptncontext, data } = event
      const { project, stage, service, status, labels } = data
      const origin = { id, task, shkeptncontext, project, stage, service, status, labels }
      return { to, report: { evaluation, message, event: origin } }
    },
    async run(provider, client, { to, report }) {
      const { id, url, summary } = await provider.report(client, to, report)
      const link = `${slug(provider.title)} report`
      return passed(
        `Reported "${report.message.title}" to ${provider.title}: ${summary}`,
        { ...(id === undefined ? {} : { id }), ...(url === undefined ? {} : { url }) },
        url === undefined ? {} : { [link]: url },
      )
    },
  }
}

/** Returns the evaluation of the event's own task, or an earlier one of the sequence. */
function evaluationOf({ properties, data }: CallEvent): Report['evaluation'] {
  const evaluation = evaluationIn(properties) ?? evaluationIn(data.evaluation)
  const result = evaluation?.result ?? data.result
  if (evaluation && (result === 'pass' || result === 'warning' || result === 'fail')) return { ...evaluation, result }
  throw invalidInput(
    'data.evaluation',
    'is missing: send an evaluation.finished event with data.evaluation (score, result, indicatorResults)',
  )
}
