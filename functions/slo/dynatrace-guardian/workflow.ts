import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import type { MeasurementRequest } from '../../../shared/providers/evaluation/provider.ts'

/** The result of a validation, or the status of one that is running. */
export type GuardianResult =
  | { result: string; url?: string | undefined }
  | { status: string; requestToken?: string | undefined }

const AUTOMATION = 'platform/automation/v1'
const VALIDATE_ACTION = 'dynatrace.site.reliability.guardian:validate-guardian-action'

const execution = z.object({ id: z.string(), state: z.string() })
const workflow = z.object({ id: z.string(), title: z.string() })
const tasks = z.record(
  z.string(),
  z.object({ action: z.nullish(z.string()), state: z.string(), result: z.optional(z.unknown()) }),
)
/** Dynatrace does not document the names of the fields. */
const taskResult = z.object({
  validation_status: z.optional(z.string()),
  'validation.status': z.optional(z.string()),
  'validation.result': z.optional(z.string()),
})

/** Checks that the credentials may read the workflow. */
export async function checkWorkflow(http: Http, id: string): Promise<void> {
  await http.get(`${AUTOMATION}/workflows/${segment(id)}`, { schema: workflow })
}

/**
 * Runs the workflow of a guardian, or finds the run that has the key.
 *
 * @returns the id of the execution
 */
export async function runWorkflow(
  http: Http,
  id: string,
  key: string,
  { queries, project, stage, service, start, end }: MeasurementRequest,
): Promise<string> {
  const timeframe = { from: new Date(start).toISOString(), to: new Date(end).toISOString() }
  const body = {
    input: { guardian: queries[0]?.query, project, stage, service, timeframe, execution_context: { task: key } },
    params: { source: 'cloud-automation-webhooks' },
    uniqueQualifier: key,
  }
  return (await http.post(`${AUTOMATION}/workflows/${segment(id)}/run`, body, { schema: execution })).body.id
}

/**
 * Reads the result of the guardian from the execution of its workflow. The action succeeds regardless of the result.
 *
 * @throws Failure `refused` if the workflow did not validate
 */
export async function readValidation(http: Http, id: string): Promise<GuardianResult> {
  const path = `${AUTOMATION}/executions/${segment(id)}`
  const { state } = (await http.get(path, { schema: execution })).body
  const url = `${http.baseUrl}/ui/apps/dynatrace.automations/executions/${encodeURIComponent(id)}`
  if (state === 'ERROR' || state === 'CANCELLED')
    throw refused(`The workflow of the guardian ended with ${state} (${url}).`)
  if (state !== 'SUCCESS') return { status: state }
  const all = Object.values((await http.get(`${path}/tasks`, { schema: tasks })).body)
  const validated = all.filter(({ action }) => action === VALIDATE_ACTION)
  for (const { result } of validated) {
    const found = z.safeParse(taskResult, result).data
    const word = found?.validation_status ?? found?.['validation.status'] ?? found?.['validation.result']
    if (word !== undefined) return { result: word, url }
  }
  throw refused(
    `The workflow of the guardian ended without the result of a validation (${url}). It needs a task with the action ${VALIDATE_ACTION}.`,
  )
}
