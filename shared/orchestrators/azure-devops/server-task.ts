import { createHash } from 'node:crypto'
import { Failure, type FieldError } from '../../errors.ts'
import { registerSecret } from '../../redact.ts'
import { collectionOf } from './collections.ts'

/** A task that runs on the server of Azure DevOps and waits for its completion: a check, a gate or a task of an agentless job. */
export interface ServerTask {
  /** URL of the organization or collection as in the secret of the orchestrator, with a slash at the end. */
  collection: string
  project: string
  hub: string
  plan: string
  job: string
  timeline: string
  /** The instance of the task. */
  task: string
  /** The access token of the job. Tasks of an earlier version have none if the secret has a token. */
  token?: string | undefined
}

/**
 * The headers of a call with the variables that fill them, as the headers of the tasks InvokeRESTAPI and AzureFunction are by
 * default.
 *
 * @see https://github.com/microsoft/azure-pipelines-tasks/blob/master/Tasks/InvokeRestApiV1/task.json
 */
export const HEADERS = {
  PlanUrl: '$(system.CollectionUri)',
  ProjectId: '$(system.TeamProjectId)',
  HubName: '$(system.HostType)',
  PlanId: '$(system.PlanId)',
  JobId: '$(system.JobId)',
  TimelineId: '$(system.TimelineId)',
  TaskInstanceId: '$(system.TaskInstanceId)',
  AuthToken: '$(system.AccessToken)',
}

type HeaderName = keyof typeof HEADERS

const HUBS = ['build', 'release', 'gates', 'checks', 'deployment']
export const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const MAX_TOKEN = 8_192

/**
 * Reads the headers of a call.
 *
 * @param headers with names in lower case
 * @param collections that the orchestrator may call
 * @param projects that may call, by their ids; undefined for all
 * @throws Failure `invalid` with everything that is missing or wrong
 */
export function readServerTask(
  headers: Record<string, string | undefined>,
  collections: readonly string[],
  projects: readonly string[] | undefined,
): ServerTask {
  const errors: FieldError[] = []
  const read = (name: HeaderName, isValid: (value: string) => boolean, requirement: string): string => {
    const value = headers[name.toLowerCase()]?.trim() ?? ''
    const isReplaced = value !== '' && !value.startsWith('$(')
    if (isReplaced && isValid(value)) return value
    const message = isReplaced
      ? requirement
      : `is missing: add "${name}": "${HEADERS[name]}" to the headers of the check or task`
    errors.push({ path: name, message })
    return ''
  }
  const guid = (name: HeaderName) => read(name, (value) => GUID.test(value), 'must be a GUID').toLowerCase()
  const planUrl = read(
    'PlanUrl',
    (value) => collectionOf(value, collections) !== undefined,
    `must be one of the collections in the secret of the orchestrator: ${collections.join(', ')}`,
  )
  const task: ServerTask = {
    collection: collectionOf(planUrl, collections) ?? '',
    project: read(
      'ProjectId',
      (value) => GUID.test(value) && (projects?.includes(value.toLowerCase()) ?? true),
      projects ? 'must be one of "projects" in the secret of the orchestrator' : 'must be a GUID',
    ).toLowerCase(),
    hub: read('HubName', (value) => HUBS.includes(value.toLowerCase()), `must be one of ${HUBS.join(', ')}`),
    plan: guid('PlanId'),
    job: guid('JobId'),
    timeline: guid('TimelineId'),
    task: guid('TaskInstanceId'),
    token: read('AuthToken', ({ length }) => length <= MAX_TOKEN, 'is too long'),
  }
  registerSecret(task.token ?? '')
  if (errors.length === 0) return task
  throw new Failure('invalid', errors.map(({ path, message }) => `The header ${path} ${message}`).join('. '), {
    errors,
  })
}

/** Returns the id of a call: the same for each request of the same task. */
export function idOf({ collection, plan, job, task }: ServerTask): string {
  return createHash('sha256')
    .update(JSON.stringify([collection, plan, job, task]))
    .digest('hex')
}
