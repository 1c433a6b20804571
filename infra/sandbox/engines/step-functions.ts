import { type FakeCall, type FakeReply, jsonObject } from '../platforms/sandbox/http.ts'
import { type Engine, EngineError, type EngineResponse } from './engine.ts'
import type { Ending, EngineRuns } from './runs.ts'

const RETRY_MS = 1_000
/** The error that a state retries, see docs/step-functions.md. */
const RETRIED = 'Webhooks.Unavailable'
const VERDICTS: Record<string, Ending['verdict']> = {
  'Webhooks.Failed': 'fail',
  'Webhooks.Errored': 'errored',
  'Webhooks.Aborted': 'aborted',
}

/**
 * Simulates a state machine with one Task state that waits for a task token: it invokes the webhook function, and is the API that
 * completes the state.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
 */
export const stepFunctions: Engine = {
  name: 'step-functions',
  title: 'AWS Step Functions',
  summary: 'A state invokes the function with a task token, and waits for it.',

  secrets: ({ root }) => ({
    callers: { 'step-functions': { categories: ['*'], orchestrator: 'step-functions' } },
    orchestrators: { 'step-functions': { type: 'step-functions', region: 'eu-west-1', endpoint: root } },
  }),

  platform: (runs) => ({
    error: (status, message) =>
      status === 410 ? refusal('TaskDoesNotExist', message) : refusal('ServiceError', message, status),
    answer: (call) => completeState(runs, call),
  }),

  repeats: ['SendTaskHeartbeat'],
  refuses: ({ action }) => (action === 'ask-approval' ? 'an invocation without HTTP cannot ask people' : undefined),

  async run({ id, step, secret }, client) {
    const { category, action, connection, deadline, data, input } = step
    const payload = {
      action,
      caller: 'step-functions',
      taskToken: secret,
      execution: id,
      heartbeat: true,
      data,
      input,
      ...(connection === undefined ? {} : { connection }),
      ...(deadline === undefined ? {} : { deadline }),
    }
    // Unlike here, each retry of a state in AWS has a new token.
    while (isRetried(await client.invoke(`${category}-webhook`, payload))) await client.sleep(RETRY_MS)
    return client.ending()
  },
}

/** @throws EngineError if the invocation failed, and the state does not retry the error */
function isRetried({ status, body }: EngineResponse): boolean {
  if (status === 0 || status >= 500) return true
  const { errorType, errorMessage } = jsonObject(body) ?? {}
  if (status === 200 && errorType === undefined) return false
  if (errorType === RETRIED) return true
  throw new EngineError(`The state failed with ${errorType ?? status}: ${errorMessage ?? body}`)
}

function completeState(runs: EngineRuns, call: FakeCall): FakeReply {
  const operation = /^AWSStepFunctions\.(SendTask\w+)$/.exec(String(call.headers['x-amz-target']))?.[1]
  const request = jsonObject(call.body)
  if (!operation || !request) return refusal('UnknownOperationException', '')
  if (!/\/states\/aws4_request,/.test(String(call.headers.authorization)))
    return refusal('MissingAuthenticationTokenException', 'Missing Authentication Token')
  const run = runs.bySecret('step-functions', String(request['taskToken']))
  if (!run) return refusal('InvalidToken', 'Invalid Token')
  const answer = run.isGone || run.ending ? TASK_TIMED_OUT : { status: 200, headers: JSON_1_0, body: '{}' }
  const ending = endingIn(operation, request)
  if (ending) runs.end(run.id, ending)
  // The token is a credential.
  const { taskToken: _, ...content } = request
  runs.record(run.id, { direction: 'answer', what: operation, status: answer.status, body: JSON.stringify(content) })
  return { ...answer, note: operation }
}

/** Undefined for a heartbeat. */
function endingIn(operation: string, { output, error, cause }: Record<string, unknown>): Ending | undefined {
  if (operation === 'SendTaskHeartbeat') return undefined
  const { verdict, message } = (jsonObject(String(output ?? cause)) ?? {}) as Partial<Ending>
  return { verdict: VERDICTS[String(error)] ?? verdict ?? 'errored', message: message ?? '' }
}

const JSON_1_0 = { 'content-type': 'application/x-amz-json-1.0' }

function refusal(type: string, message: string, status = 400): FakeReply {
  return { status, headers: JSON_1_0, body: JSON.stringify({ __type: type, message }) }
}

const TASK_TIMED_OUT = refusal('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore')
