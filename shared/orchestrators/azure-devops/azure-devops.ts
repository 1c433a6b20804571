import * as z from 'zod/mini'
import { Failure, serviceUnavailable } from '../../errors.ts'
import { list, oneOf, optional, secret, text, url } from '../../fields.ts'
import { basicAuth } from '../../http/basic-auth.ts'
import { log } from '../../log.ts'
import type { Outcome } from '../../outcome.ts'
import { originOf } from '../event/event.ts'
import {
  type Answer,
  type AnswerableCall,
  type AnsweredTask,
  defineOrchestrator,
  type InteractiveCall,
  type Orchestrator,
} from '../orchestrator.ts'
import { collectionOf, isCollection } from './collections.ts'
import { explain } from './explain.ts'
import { collectionHttp, Plan } from './plan.ts'
import { GUID, idOf, readServerTask, type ServerTask } from './server-task.ts'

const collection = url('').check(
  z.refine(isCollection, { message: 'must be the URL of a collection, such as https://dev.azure.com/contoso/' }),
)

/** The secret of checks, gates and tasks of Azure DevOps that wait for a callback. */
const azureDevopsSecret = z.strictObject({
  type: z.literal('azure-devops'),
  collections: list(
    collection,
    'URLs of the organizations or collections that may call: https://dev.azure.com/contoso/',
  ).check(z.minLength(1, 'must have at least one URL')),
  projects: optional(
    list(
      z.pipe(
        z.string().check(z.regex(GUID, 'must be the id of a project, a GUID')),
        z.transform((id) => id.toLowerCase()),
      ),
      'Ids of the projects that may call. Defaults to all projects of the collections',
    ).check(z.minLength(1, 'must have at least one id')),
  ),
  token: optional(
    secret('Personal access token. Without it, the access token of each job answers, for at most 47 hours'),
  ),
  apiVersion: z._default(
    oneOf(['7.1-preview.1', '2.0-preview.1'], 'API version. Use 2.0-preview.1 for older Azure DevOps Servers'),
    '7.1-preview.1',
  ),
  ca: optional(text('PEM of a private certificate authority')),
})

type Settings = z.output<typeof azureDevopsSecret>

const REQUEST_TIMEOUT_MS = 15_000
/** A check waits three seconds for the response. */
const VERIFY_TIMEOUT_MS = 2_000
/** Left of the time of a step for the answer itself. */
const EXPLAIN_TIMEOUT_MS = 10_000
/** The access token of a job is valid for 48 hours. The rest is for the end of the task and the answer. */
const MAX_DEADLINE_SECONDS = 47 * 3_600
/** Azure DevOps answers so if the run was canceled. A mistake of a proxy would pass until then. */
const MAX_GONE_ATTEMPTS = 3
/** About half an hour. The access token of a job does not change: it has expired. */
const MAX_UNAUTHORIZED_ATTEMPTS = 12

/**
 * Returns the orchestrator for checks, gates and tasks of agentless jobs in Azure DevOps with the completion event Callback.
 *
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/process/invoke-checks
 */
function azureDevops(settings: Settings): Orchestrator {
  return {
    parse: (call) => parse(settings, call),
    verify: (call) => verify(settings, call),
    send: (task, answer, uncertainAttempts) => send(settings, task, answer, uncertainAttempts),
    check: () => check(settings),
  }
}

export const azureDevopsType = defineOrchestrator({ secret: azureDevopsSecret, connect: azureDevops })

function parse({ collections, projects, token }: Settings, { event, headers }: InteractiveCall): AnswerableCall {
  const serverTask = readServerTask(headers, collections, projects)
  return {
    ...originOf(event),
    id: idOf(serverTask),
    context: event.context ?? serverTask.plan,
    replyTo: JSON.stringify(serverTask),
    maxDeadline: token === undefined ? MAX_DEADLINE_SECONDS : undefined,
    isDetailed: true,
  }
}

/**
 * Checks that a job calls for its own task, which waits. A personal access token can complete the tasks of all runs, so anyone with
 * the token of the caller could otherwise name a task of another run. Without one, the access token of the job answers.
 *
 * @throws Failure `forbidden`, `unavailable`
 */
async function verify(settings: Settings, { replyTo }: AnswerableCall): Promise<void> {
  if (settings.token === undefined || replyTo === undefined) return
  const plan = new Plan(JSON.parse(replyTo), { ...settings, token: undefined }, VERIFY_TIMEOUT_MS)
  try {
    if (await plan.waitsForCall()) return
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.transient)
      throw serviceUnavailable(`The task could not be verified: ${error.message}`, {
        after: 5,
        cause: error,
      })
    log.warn('task not verified', { kind: error.kind, reason: error.message })
  }
  throw new Failure(
    'forbidden',
    'The access token in AuthToken shows no task that waits for this call. Send the headers of the task itself, with the variables of Azure DevOps.',
  )
}

async function send(
  settings: Settings,
  task: AnsweredTask,
  answer: Answer,
  uncertainAttempts: number,
): ReturnType<Orchestrator['send']> {
  if (answer.kind === 'progress' || answer.kind === 'heartbeat') return 'sent'
  const serverTask = serverTaskOf(settings, task)
  const plan = new Plan(serverTask, settings, REQUEST_TIMEOUT_MS)
  const result = answer.kind === 'started' ? undefined : resultOf(answer.outcome)
  const attempt = uncertainAttempts + 1
  try {
    if (answer.kind === 'finished')
      await explain(new Plan(serverTask, settings, EXPLAIN_TIMEOUT_MS), task, answer.outcome, attempt)
    await plan.raise(result === undefined ? 'TaskStarted' : 'TaskCompleted', result)
    return 'sent'
  } catch (error) {
    const delivery = finalDelivery(error, attempt, settings.token === undefined)
    if (delivery === undefined || !(error instanceof Failure)) throw error
    log.warn('answer refused', { kind: error.kind, reason: error.message })
    // An earlier attempt may have delivered it.
    return delivery === 'unwanted' && result !== undefined && (await plan.hasResult(result)) ? 'sent' : delivery
  }
}

/**
 * Reads the address of a call.
 *
 * @throws Failure `misconfigured` if the secret no longer allows it
 */
function serverTaskOf({ collections, token }: Settings, { replyTo }: AnsweredTask): ServerTask {
  if (replyTo === undefined)
    throw new Failure(
      'misconfigured',
      'The type of the orchestrator was changed: the call had no headers of Azure DevOps.',
    )
  const serverTask: ServerTask = JSON.parse(replyTo)
  if (collectionOf(serverTask.collection, collections) === undefined)
    throw new Failure(
      'misconfigured',
      `The secret of the orchestrator no longer has the collection ${serverTask.collection}.`,
    )
  if (token === undefined && serverTask.token === undefined)
    throw new Failure(
      'misconfigured',
      'The secret of the orchestrator no longer has a token, and the call had none. Add one to the secret.',
    )
  return serverTask
}

function resultOf({ result }: Outcome): 'succeeded' | 'failed' {
  return result === 'fail' ? 'failed' : 'succeeded'
}

/** Returns why a refused answer is not sent again. Undefined if it is. */
function finalDelivery(error: unknown, attempt: number, usesJobToken: boolean): 'unwanted' | 'lost' | undefined {
  if (!(error instanceof Failure)) return undefined
  const status = error.response?.status
  if ((status === 400 || status === 404) && attempt >= MAX_GONE_ATTEMPTS) return 'unwanted'
  const isExpired = error.kind === 'credentials' && usesJobToken && attempt >= MAX_UNAUTHORIZED_ATTEMPTS
  return isExpired ? 'lost' : undefined
}

/** Reads who a personal access token belongs to. Without one, checks only that each collection responds. */
async function check({ collections, token, ...access }: Settings): Promise<void> {
  for (const collection of collections) {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: basicAuth('', token) }
    const http = collectionHttp(collection, access, headers, REQUEST_TIMEOUT_MS)
    await http.get('_apis/connectionData', {
      query: { 'api-version': '7.1-preview' },
      // A page is not Azure DevOps, unlike a 401.
      ...(token === undefined ? { accept: [401], errorStatus: () => undefined } : {}),
      schema: z.object({ authenticatedUser: z.object({ id: z.string() }) }),
    })
  }
}
