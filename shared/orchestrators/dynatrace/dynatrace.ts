import * as z from 'zod/mini'
import { Failure, type FieldError, invalidFields, kindOf, messageOf } from '../../errors.ts'
import { list, optional, secret, text, url } from '../../fields.ts'
import { Http } from '../../http/client.ts'
import { segment } from '../../http/segment.ts'
import { log } from '../../log.ts'
import { isRecord } from '../../record.ts'
import { originOf, type TaskOrigin } from '../event/event.ts'
import {
  type Answer,
  type AnswerableCall,
  type AnsweredTask,
  type Delivery,
  defineOrchestrator,
  type InteractiveCall,
  type Orchestrator,
} from '../orchestrator.ts'
import { platformAuthorization, platformFields, reasonOf } from './environment.ts'
import { inputOf, sdlcEvent } from './messages.ts'

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const workflowId = z.string().check(z.regex(UUID, 'must be the id of a workflow: a UUID'))

/** The settings of a Dynatrace environment whose workflows call, and how they get the results. */
export const dynatraceSecret = z
  .strictObject({
    type: z.literal('dynatrace'),
    ...platformFields('automation:workflows:run automation:workflows:read'),
    answer: z._default(
      list(
        z.enum(['event', 'resume', 'run']),
        'How results are sent: resume the paused execution, run another workflow, or ingest an event. event can be combined with one of the others. Defaults to resume',
      ),
      ['resume'],
    ),
    workflows: optional(
      list(workflowId, 'For run: the ids of the workflows that calls may name. The first one is the default'),
    ),
    ingestUrl: optional(
      url('For event: the URL of the environment for events. Defaults to baseUrl with .live. instead of .apps.'),
    ),
    ingestToken: optional(secret('For event: an access token with the scope openpipeline.events_sdlc')),
    ca: optional(text('PEM of a private certificate authority')),
  })
  .check(
    z.refine(({ answer }) => answer.length > 0 && !(answer.includes('resume') && answer.includes('run')), {
      message: 'must have event, resume or run in answer, and not both resume and run',
      path: ['answer'],
    }),
    z.refine(({ answer, workflows = [] }) => !answer.includes('run') || workflows.length > 0, {
      message: 'is required for run: the ids of the workflows that calls may name',
      path: ['workflows'],
    }),
    z.refine(({ answer, ingestToken }) => !answer.includes('event') || ingestToken !== undefined, {
      message: 'is required for event: an access token with the scope openpipeline.events_sdlc',
      path: ['ingestToken'],
    }),
    z.refine(
      ({ answer, token, clientId, clientSecret }) =>
        !(answer.includes('resume') || answer.includes('run')) || Boolean(token || (clientId && clientSecret)),
      { message: 'is required for resume and run, or clientId and clientSecret', path: ['token'] },
    ),
  )

type Settings = z.output<typeof dynatraceSecret>

/** An execution that has not paused by then waits for no answer. */
const MAX_WAIT_FOR_PAUSE_MS = 60 * 60_000
/** Refusals that a change of the credentials or of their permissions can end: the execution stays paused meanwhile. */
const CREDENTIALS_REFUSED = [401, 403]
const ENDED_STATES = ['SUCCESS', 'ERROR', 'CANCELLED']

export const dynatraceType = defineOrchestrator({ secret: dynatraceSecret, connect: dynatrace })

/**
 * Returns the orchestrator for Dynatrace Workflows.
 *
 * @see https://docs.dynatrace.com/docs/analyze-explore-automate/workflows
 * @see https://developer.dynatrace.com/develop/sdks/client-automation
 */
export function dynatrace(settings: Settings): Orchestrator {
  return {
    parse: (call) => parse(settings, call),
    send: (task, answer) => send(settings, task, answer),
    hasPaused: (task, endedAt) => hasPaused(settings, task, endedAt),
    check: () => check(settings),
    linkTo: ({ context = '' }) =>
      UUID.test(context)
        ? `${settings.baseUrl.replace(/\/$/, '')}/ui/apps/dynatrace.automations/executions/${context}`
        : undefined,
  }
}

/** The id is the name of the task in its workflow, so it is unique only together with the execution. */
function parse({ answer, workflows = [] }: Settings, { event, body }: InteractiveCall): AnswerableCall {
  const errors: FieldError[] = []
  const { execution, continue: workflow } = isRecord(body['dynatrace']) ? body['dynatrace'] : {}
  const { id = '' } = event
  if (id === '')
    errors.push({ path: 'id', message: 'is required: the name of the task in the workflow, such as load_test' })
  if (typeof execution !== 'string' || !UUID.test(execution))
    errors.push({ path: 'dynatrace.execution', message: 'is required: {{ execution().id }}' })
  const isAllowed = workflow === undefined || (typeof workflow === 'string' && workflows.includes(workflow))
  if (!answer.includes('run') && workflow !== undefined)
    errors.push({ path: 'dynatrace.continue', message: 'must be omitted: the orchestrator does not answer by run' })
  else if (!isAllowed)
    errors.push({ path: 'dynatrace.continue', message: `must be one of the workflows ${workflows.join(', ')}` })
  if (errors.length > 0) throw invalidFields(errors)
  const context = String(execution)
  return {
    ...originOf(event),
    id: id.includes(context) ? id : `${context}/${id}`,
    context,
    replyTo: typeof workflow === 'string' ? workflow : undefined,
    isDetailed: true,
    hasObservers: answer.includes('event') && (answer.includes('resume') || answer.includes('run')),
    needsPause: answer.includes('resume'),
  }
}

async function send(settings: Settings, task: AnsweredTask, answer: Answer): Promise<Delivery> {
  const { answer: ways } = settings
  if (answer.kind === 'progress' || answer.kind === 'heartbeat') return 'sent'
  const isForWorkflow = answer.kind === 'finished' && answer.forObservers !== true
  if (isForWorkflow && ways.includes('resume')) return resume(settings, task, answer.at)
  if (isForWorkflow && ways.includes('run')) {
    const path = `platform/automation/v1/workflows/${segment(continuationOf(settings, task))}/run`
    const params = { source: 'cloud-automation-webhooks' }
    // 202 instead of 201 means that an earlier attempt has started the workflow.
    const body = { input: inputOf(task, answer.outcome), params, uniqueQualifier: `${task.id}-finished` }
    await automation(settings).post(path, body, { schema: execution })
    return 'sent'
  }
  if (ways.includes('event')) await ingest(settings).post(EVENTS_PATH, [sdlcEvent(task, answer)])
  return 'sent'
}

/** @throws Failure `misconfigured` if the secret no longer has the workflow of the call */
function continuationOf({ workflows = [] }: Settings, { replyTo = workflows[0] }: AnsweredTask): string {
  if (replyTo !== undefined && workflows.includes(replyTo)) return replyTo
  throw new Failure('misconfigured', 'The secret of the orchestrator no longer has the workflow of the call.')
}

/**
 * Resumes the execution. One that has not paused yet refuses that, so the task tries again.
 *
 * @param endedAt when the task ended, in epoch milliseconds
 */
async function resume(
  settings: Settings,
  { origin, hasPaused }: AnsweredTask,
  endedAt = Date.now(),
): Promise<Delivery> {
  const http = automation(settings)
  const path = executionPath(origin)
  const state = async () => (await http.get(path, { schema: execution })).body.state
  try {
    const before = await state()
    if (ENDED_STATES.includes(before)) return 'unwanted'
    // An earlier attempt has resumed it, or a person.
    if (hasPaused && before !== 'PAUSED') return 'sent'
    try {
      await http.post(`${path}/resume`)
    } catch (error) {
      const isLost = error instanceof Failure && error.mayHaveWritten && before === 'PAUSED'
      // A second request could resume a later pause of the execution.
      if (!isLost || (await state()) === 'PAUSED') throw error
    }
    return 'sent'
  } catch (error) {
    if (mayStillPause(error, endedAt)) throw error
    log.warn('answer refused', { kind: kindOf(error), reason: messageOf(error) })
    return 'unwanted'
  }
}

/** Whether an error leaves the execution paused, or comes so early that it may still pause. */
function mayStillPause(error: unknown, endedAt: number): boolean {
  const isRefusal = error instanceof Failure && error.kind === 'refused'
  const isDenied = isRefusal && CREDENTIALS_REFUSED.includes(error.response?.status ?? 0)
  return !isRefusal || isDenied || Date.now() - endedAt < MAX_WAIT_FOR_PAUSE_MS
}

/** @throws Failure `refused` if the execution has not paused yet */
async function hasPaused(settings: Settings, { origin }: AnsweredTask, endedAt: number): Promise<boolean> {
  const { answer } = settings
  // The secret may have changed since the call.
  if (!answer.includes('resume')) return false
  try {
    const { state } = (await automation(settings).get(executionPath(origin), { schema: execution })).body
    if (state === 'PAUSED' || ENDED_STATES.includes(state)) return state === 'PAUSED'
    throw new Failure('refused', `The execution has not paused for the result yet: it is ${state}.`)
  } catch (error) {
    if (mayStillPause(error, endedAt)) throw error
    return false
  }
}

function executionPath({ context = '' }: TaskOrigin): string {
  return `platform/automation/v1/executions/${segment(context)}`
}

/** An empty list of events shows whether the token is valid, and ingests nothing. */
async function check(settings: Settings): Promise<void> {
  const { answer, workflows = [] } = settings
  if (answer.includes('resume') || answer.includes('run')) {
    const http = automation(settings)
    await http.get('platform/automation/v1/executions', { query: { limit: 1 }, schema: executions })
    for (const id of answer.includes('run') ? workflows : [])
      await http.get(`platform/automation/v1/workflows/${segment(id)}`, { schema: workflow })
  }
  if (answer.includes('event')) await ingest(settings).post(EVENTS_PATH, [], { isRead: true, accept: [400] })
}

const EVENTS_PATH = 'platform/ingest/v1/events.sdlc'
const execution = z.object({ id: z.string(), state: z.string() })
const executions = z.object({ results: z.array(z.unknown()) })
const workflow = z.object({ id: z.string(), title: z.string() })

function automation({ baseUrl, ca, ...credentials }: Settings): Http {
  const authorization = platformAuthorization(credentials, ca, 'The orchestrator')
  return new Http({ platform: 'Dynatrace', baseUrl, authorization, errorReason: reasonOf, ca })
}

/** @throws Failure `misconfigured` if the secret no longer has a token */
function ingest({ baseUrl, ingestUrl = baseUrl.replace('.apps.', '.live.'), ingestToken, ca }: Settings): Http {
  if (ingestToken === undefined) throw new Failure('misconfigured', 'The orchestrator has no ingestToken.')
  const headers = { authorization: `Api-Token ${ingestToken}` }
  return new Http({ platform: 'Dynatrace', baseUrl: ingestUrl, headers, errorReason: reasonOf, ca })
}
