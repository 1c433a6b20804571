import { createHmac, randomBytes, randomInt, randomUUID } from 'node:crypto'
import { GetDurableExecutionCommand, InvokeCommand } from '@aws-sdk/client-lambda'
import { tokenHash } from '../../infra/project/token-hash.ts'
import type { Engine, EngineClient, EngineRequest } from '../../infra/sandbox/engines/engine.ts'
import { github } from '../../infra/sandbox/engines/github.ts'
import { engines } from '../../infra/sandbox/engines/index.ts'
import { engineKeyOf, placeOf } from '../../infra/sandbox/engines/place.ts'
import { engineSecrets } from '../../infra/sandbox/engines/secrets.ts'
import type { Step } from '../../infra/sandbox/engines/step.ts'
import { webhookHeaders } from '../../infra/sandbox/platforms/github/deployments.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { type Answer, type Service, triggered } from './service.ts'

/** The response to a call: its HTTP status, or the name of the error of an invocation. */
interface CallResult {
  status: number | string
  taskId?: unknown
  duplicate?: unknown
  /** The message of the outcome, or of a problem. */
  message?: unknown
}

/** Sends the same call with each use. */
type Send = () => Promise<CallResult>

/** A way in which calls reach the webhooks, and the statuses of calls. */
export interface Way {
  name: string
  /** The status of a repeat of a call that was accepted. */
  accepted: number
  /** The status of a call that a rule denies, that comes while a window is closed, and that exceeds the limit of its caller. */
  denied: number | string
  closed: number | string
  limited: number | string | undefined
  /** The status of a call that has to wait for a window. Undefined if its response comes only after the wait. */
  waits: number | string | undefined
  /** Prepares a call that starts a runbook. */
  prepare(service: Service, step: Step): Promise<Send>
}

export const CATEGORY = 'remediation'
const path = `/v1/${CATEGORY}/run-runbook`
/** A run that does not end, so that its task is still running when the policy changes. */
const HANGS = { outcome: 'hang' }
const ENDS = { seconds: 1 }

/** Returns a call that runs a runbook. Its name is that of the run at the platform. */
export function runbookStep(name: string, place: string, parameters: object = HANGS): Step {
  const data = { project: 'shop', stage: 'production', service: place }
  return {
    name,
    category: CATEGORY,
    action: 'run-runbook',
    data,
    input: { target: 'clear-cache', parameters: { name, ...parameters } },
  }
}

/** The local runtime, as the engines of the sandbox know it. */
export const hostOf = (url: string) => ({ url, key: () => engineKeyOf({ callerToken: demo.callerToken }) })

const HMAC_KEY = 'a-signing-key-of-the-tests-0123456789'

/**
 * Returns the secrets of all ways.
 *
 * @param limit more fields of each caller
 */
export function secretsOf(url: string, limit: object = {}): Record<string, object> {
  const { callers, orchestrators } = engineSecrets(hostOf(url))
  const all = {
    ...callers,
    demo: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], orchestrator: 'sandbox' },
    direct: { categories: ['*'] },
    signer: { categories: ['*'], hmac: { header: 'x-signature', keys: [HMAC_KEY] } },
    checks: { categories: ['*'], orchestrator: 'checks' },
  }
  const limited = Object.entries(all).map(([name, caller]) => [name, { ...caller, ...limit }])
  const prefix = 'cloud-automation-webhooks'
  return {
    [`${prefix}/callers`]: Object.fromEntries(limited),
    [`${prefix}/orchestrators/checks`]: {
      ...orchestrators['github'],
      caller: 'checks',
      report: 'check',
      input: 'input',
    },
  }
}

const interactive = { accepted: 202, waits: 202, denied: 403, closed: 422, limited: 429 }
const silent = { ...interactive, accepted: 200, waits: 422 }
const gate = { ...interactive, accepted: 200, waits: 200, closed: 424 }
const gateWithStatus = { ...gate, accepted: 409, waits: 409 }
const invocation = {
  accepted: 200,
  denied: 'Webhooks.Forbidden',
  closed: 'Webhooks.Refused',
  limited: 'Webhooks.Unavailable',
}
const STATUSES: Record<string, Omit<Way, 'name' | 'prepare'>> = {
  'argo-rollouts': gate,
  flagger: gateWithStatus,
  'step-functions': { ...invocation, waits: 200 },
}

export const waysIn: Way[] = [
  { name: 'A silent call', ...silent, prepare: (service, step) => keptn(service, withEnd(step), 'silent') },
  { name: 'An interactive call', ...interactive, prepare: (service, step) => keptn(service, step, 'interactive') },
  { name: 'A signed call', ...interactive, prepare: signed },
  { name: 'A gate', ...gate, prepare: (service, step) => askGate(service, step, 'body') },
  { name: 'A gate with a status', ...gateWithStatus, prepare: (service, step) => askGate(service, step, 'status') },
  ...engines.map(
    (engine): Way => ({
      name: engine.title,
      ...(STATUSES[engine.name] ?? interactive),
      prepare: (service, step) => requestOf(service, engine, step),
    }),
  ),
  { name: 'A check of GitHub', ...interactive, prepare: check },
  { name: 'An invocation of the webhook', ...invocation, waits: 'Webhooks.Refused', prepare: silentInvocation },
  // With a limit, it tries again until it is accepted.
  { name: 'An invocation of the task', ...invocation, waits: undefined, limited: undefined, prepare: taskInvocation },
  { name: 'A task that is run again', ...interactive, prepare: rerun },
]

function withEnd({ name, data }: Step): Step {
  return runbookStep(name, data.service, ENDS)
}

/** Sends what webhook-service of Keptn sends. */
async function keptn(service: Service, { data, input }: Step, mode: string): Promise<Send> {
  const event = triggered({ type: 'sh.keptn.event.action.triggered', data, input })
  return async () => responseOf(await service.call(`${path}?mode=${mode}`, event))
}

async function askGate(service: Service, { name, data, input }: Step, answer: string): Promise<Send> {
  const query = new URLSearchParams({ mode: 'gate', answer, key: name })
  const headers = { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ data, input })
  return () => exchange(service, { path: `${path}?${query}`, headers, body })
}

async function signed(service: Service, { name, data, input }: Step): Promise<Send> {
  const body = JSON.stringify({ id: name, data, input })
  const signature = createHmac('sha256', HMAC_KEY).update(body).digest('hex')
  const headers = { 'x-signature': signature, 'content-type': 'application/json' }
  return () => exchange(service, { path: `${path}?mode=interactive`, headers, body })
}

/** A commit that the App of GitHub checks. */
async function check(service: Service, { data: { project, service: name }, input }: Step): Promise<Send> {
  const head_sha = randomBytes(20).toString('hex')
  const body = JSON.stringify({
    action: 'requested',
    check_suite: { id: randomInt(1_000_000), head_sha, updated_at: '2026-11-30T12:00:00Z' },
    repository: { id: 1, name, full_name: `${project}/${name}`, owner: { login: project } },
    installation: { id: 1 },
    input,
  })
  const secret = placeOf(github, hostOf(service.url)).credential('webhook')
  const headers = webhookHeaders(secret, 'check_suite', randomUUID(), body)
  return () => exchange(service, { path: `${path}?orchestrator=checks`, headers, body })
}

/** Returns the request with which an engine of the sandbox starts a step. */
async function requestOf(service: Service, engine: Engine, step: Step): Promise<Send> {
  const { body: run } = await service.call('/sandbox/engine-runs', { id: randomUUID(), engine: engine.name, step })
  return new Promise((resolve, reject) => {
    const never = new Promise<never>(() => {})
    const client: EngineClient = {
      ...placeOf(engine, hostOf(service.url)),
      send(request) {
        // Flagger first asks the gate to roll back, which starts nothing.
        if (request.path.includes('invert=')) return Promise.resolve({ status: 424, body: '' })
        resolve(() => exchange(service, request))
        return never
      },
      invoke(functionName, payload) {
        resolve(() => invoke(service, functionName, payload))
        return never
      },
      ending: () => never,
      sleep: async () => {},
      say() {},
    }
    engine.run(run, client).catch(reject)
  })
}

async function exchange(service: Service, { path, headers, body = '' }: EngineRequest): Promise<CallResult> {
  const response = await fetch(`${service.url}${path}`, { method: 'POST', headers, body })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json')
  const { status } = response
  if (isJson) return responseOf({ status, body: JSON.parse(text) })
  // The line of a gate. While the task runs, it has its progress, which may change.
  return { status, taskId: response.headers.get('x-task-id'), ...(status === 409 ? {} : { message: text.trim() }) }
}

function responseOf({ status, body }: Pick<Answer, 'status' | 'body'>): CallResult {
  const { taskId, duplicate, message, detail } = body
  return { status, taskId, duplicate, message: message ?? detail }
}

async function silentInvocation(service: Service, step: Step): Promise<Send> {
  const { name, action, data, input } = withEnd(step)
  return () => invoke(service, `${CATEGORY}-webhook`, { action, id: name, data, input })
}

async function invoke(service: Service, FunctionName: string, payload: object): Promise<CallResult> {
  const { Payload = new Uint8Array() } = await service
    .lambdaClient()
    .send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }))
  const { errorType = 200, errorMessage, ...body } = JSON.parse(new TextDecoder().decode(Payload))
  return {
    ...responseOf({ status: errorType, body }),
    ...(errorMessage === undefined ? {} : { message: errorMessage }),
  }
}

/** Invokes the task as a durable function does. A repeat is the same execution. */
async function taskInvocation(service: Service, step: Step): Promise<Send> {
  const { action, data, input } = withEnd(step)
  const DurableExecutionName = randomUUID()
  return async () => {
    const lambda = service.lambdaClient()
    const { DurableExecutionArn } = await lambda.send(
      new InvokeCommand({
        FunctionName: `${CATEGORY}-task:live`,
        InvocationType: 'Event',
        DurableExecutionName,
        Payload: JSON.stringify({ action, data, input }),
      }),
    )
    const read = () => lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))
    await service.until(async () => (await read()).Status !== 'RUNNING', 'the end of the execution')
    const { Error: error, Result = '{}' } = await read()
    const { taskId, outcome } = JSON.parse(Result)
    return { status: error?.ErrorType ?? 200, taskId, message: error?.ErrorMessage ?? outcome?.message }
  }
}

/** Returns the name of the run of a task that is run again. */
export function firstNameOf(name: string): string {
  return `${name}, first`
}

async function rerun(service: Service, { name, data }: Step): Promise<Send> {
  const failing = runbookStep(firstNameOf(name), data.service, { ...ENDS, outcome: 'failure' })
  const { taskId } = await (await keptn(service, failing, 'interactive'))()
  const task = `/v1/${CATEGORY}/tasks/${taskId}`
  const isFailed = async () => (await service.call(task, undefined, { method: 'GET' })).body.verdict === 'fail'
  await service.until(isFailed, `the end of ${name}`)
  return async () => responseOf(await service.call(`${task}/rerun`))
}
