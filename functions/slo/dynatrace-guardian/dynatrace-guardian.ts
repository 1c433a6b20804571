import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import type { Result } from '../../../shared/evaluation/evaluation.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import { oneOf, optional, withDescription } from '../../../shared/fields.ts'
import { platformAuthorization, platformFields, reasonOf } from '../../../shared/orchestrators/dynatrace/environment.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { checkEvents, findValidation, sendTrigger } from './events.ts'
import { checkWorkflow, readValidation, runWorkflow } from './workflow.ts'

const connection = z.strictObject({
  ...platformFields('automation:workflows:run automation:workflows:read'),
  workflow: optional(
    withDescription(
      z.string().check(z.regex(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, 'must be the id of a workflow: a UUID')),
      'The id of the workflow that validates the guardian. Without it, a business event starts the workflow',
    ),
  ),
  guardian: z._default(
    oneOf(
      ['business', 'lifecycle'],
      'Without workflow: the type of the guardian, whose events have the result. Defaults to business',
    ),
    'business',
  ),
  ...evaluationFields,
})
type Connection = z.output<typeof connection>

/** The state between two polls. */
interface Validation {
  key: string
  /** The execution of the workflow. */
  execution?: string
  /** When the event was sent, in epoch milliseconds. */
  sentAt?: number
  /** Identifies a query that is still running. */
  requestToken?: string | undefined
}

/** By the result of a validation. A guardian without thresholds has the result `info`. */
const RESULTS: Record<string, [result: Result, value: number]> = {
  pass: ['pass', 100],
  info: ['pass', 100],
  warning: ['warning', 50],
  fail: ['fail', 0],
}

/**
 * Validates with a Site Reliability Guardian of Dynatrace: runs the workflow that has it, or sends the business event that
 * starts the workflow, and reads the result.
 *
 * @see https://docs.dynatrace.com/docs/deliver/site-reliability-guardian/trigger-srg
 * @see https://docs.dynatrace.com/docs/deliver/site-reliability-guardian/execution-context
 */
export const dynatraceGuardian = defineEvaluationProvider({
  title: 'Dynatrace Guardian',
  connection,
  authorization: (values: Connection, ca) => platformAuthorization(values, ca, 'The connection to Dynatrace Guardian'),
  errorReason: reasonOf,
  // A second run with the same qualifier is the first one, and a second event starts no second execution.
  hasIdempotentWrites: () => true,
  check: ({ http, connection: { workflow, guardian } }) =>
    workflow === undefined ? checkEvents(http, guardian) : checkWorkflow(http, workflow),
  queryNoun: 'the name of a guardian',
  hasOwnVerdict: true as const,
  // The workflow waits for the data.
  dataDelay: 0,

  checkQueries(queries) {
    if (queries.length > 1) throw invalidInput('input.queries', `must name one guardian (there are ${queries.length})`)
  },

  async startMeasurement(client, request): Promise<Validation> {
    const { http, connection, idempotencyKey: key = crypto.randomUUID() } = client
    const { workflow } = connection
    return workflow === undefined
      ? { key, sentAt: await sendTrigger(http, key, request) }
      : { key, execution: await runWorkflow(http, workflow, key, request) }
  },

  async measure({ http, connection: { guardian } }, { queries }, state) {
    const validation = state as Validation
    const { key, execution, sentAt = 0, requestToken } = validation
    const found =
      execution === undefined
        ? await findValidation(http, { guardian, key, sentAt, requestToken })
        : await readValidation(http, execution)
    if ('status' in found) {
      const started: Validation = { ...validation, requestToken: found.requestToken }
      return { status: found.status, started, ...(found.requestToken === undefined ? {} : { pollImmediately: true }) }
    }
    return { measured: queries.map(({ name }) => measuredOf(name, found)) }
  },
})

function measuredOf(name: string, { result, url }: { result: string; url?: string | undefined }): MeasuredIndicator {
  const [status, value] = RESULTS[result] ?? []
  if (status === undefined)
    return { name, value: undefined, message: `the result of its validation is ${clipSingleLine(result, 60)}`, url }
  return { name, value, verdict: { status }, message: `the result of its validation is ${result}`, url }
}
