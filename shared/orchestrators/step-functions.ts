import { createHash } from 'node:crypto'
import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
} from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../aws/aws.ts'
import { awsErrorOf } from '../aws/failure.ts'
import { invalidInput } from '../errors.ts'
import { optional, withDescription } from '../fields.ts'
import { type Outcome, verdictOf } from '../outcome.ts'
import { redactDeep } from '../redact.ts'
import { clip } from '../text/plain-text.ts'
import { originOf } from './event/event.ts'
import { type AnsweredTask, defineOrchestrator, type Orchestrator } from './orchestrator.ts'

/** The settings of state machines that call with a task token. They are in the deployment's account. */
const stepFunctionsConnection = z.strictObject({
  type: z.literal('step-functions'),
  region: awsAccountFields.region,
  endpoint: awsAccountFields.endpoint,
  failAs: optional(
    withDescription(
      z.enum(['failure', 'success']),
      'How a state ends that did not pass: failure (default) is an error to catch, success leaves the verdict to a Choice state',
    ),
  ),
})

type Connection = z.output<typeof stepFunctionsConnection>

const MAX_TOKEN = 2_048
/** A limit of SendTaskSuccess. */
const MAX_OUTPUT_BYTES = 262_144
/** A limit of SendTaskFailure, in characters. */
const MAX_CAUSE = 32_768
const MAX_MESSAGE = 4_000
/** The state no longer waits: it timed out, its execution ended, or it already has its result. */
const FINAL_ERRORS = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])

/**
 * Returns the orchestrator for states of AWS Step Functions that wait for a task token. The token is the address of the
 * answer, and identifies the call: a retry of the state has a new token and is a new task.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
 */
function stepFunctions({ type: _, failAs = 'failure', ...account }: Connection): Orchestrator {
  return {
    parse({ event, body }) {
      const { taskToken } = body
      if (typeof taskToken !== 'string' || taskToken === '' || taskToken.length > MAX_TOKEN)
        throw invalidInput(
          'taskToken',
          'is required: call with arn:aws:states:::lambda:invoke.waitForTaskToken and "taskToken.$": "$$.Task.Token"',
        )
      const id = createHash('sha256').update(taskToken).digest('hex')
      const execution = typeof body['execution'] === 'string' ? body['execution'] : undefined
      return {
        ...originOf(event),
        id,
        context: event.context ?? execution,
        replyTo: taskToken,
        needsHeartbeat: body['heartbeat'] === true,
      }
    },

    async send(task, answer, uncertainAttempts) {
      const { replyTo: taskToken } = task
      if (taskToken === undefined || answer.kind === 'started' || answer.kind === 'progress') return 'sent'
      const aws = new Aws({ platform: 'AWS Step Functions', account })
      try {
        if (answer.kind === 'heartbeat') await aws.write(SFNClient, new SendTaskHeartbeatCommand({ taskToken }))
        else await sendOutcome(aws, taskToken, resultOf(task, answer.outcome), failAs)
        return 'sent'
      } catch (error) {
        if (!FINAL_ERRORS.has(awsErrorOf(error)?.name ?? '')) throw error
        // An earlier attempt has completed the state.
        return uncertainAttempts > 0 ? 'sent' : 'unwanted'
      }
    },

    // Only a task token shows whether the function may complete the state.
    check: async () => {},
  }
}

export const stepFunctionsType = defineOrchestrator({ secret: stepFunctionsConnection, connect: stepFunctions })

interface Result extends Outcome {
  taskId: string
  category: string
  action: string
  verdict: ReturnType<typeof verdictOf>
}

function resultOf({ id: taskId, category, action }: AnsweredTask, outcome: Outcome): Result {
  return { taskId, category, action, verdict: verdictOf(outcome), ...redactDeep(outcome) }
}

async function sendOutcome(aws: Aws, taskToken: string, result: Result, failAs: 'failure' | 'success'): Promise<void> {
  const { verdict } = result
  if (verdict === 'pass' || verdict === 'warning' || failAs === 'success') {
    const output = limit(result, (text) => Buffer.byteLength(text) <= MAX_OUTPUT_BYTES)
    await aws.write(SFNClient, new SendTaskSuccessCommand({ taskToken, output }))
    return
  }
  const error = { fail: 'Webhooks.Failed', errored: 'Webhooks.Errored', aborted: 'Webhooks.Aborted' }[verdict]
  const cause = limit(result, (text) => text.length <= MAX_CAUSE)
  await aws.write(SFNClient, new SendTaskFailureCommand({ taskToken, error, cause }))
}

/** Returns a result as JSON. Omits the data and the links, and cuts the message, if it is too long. */
function limit(result: Result, fits: (text: string) => boolean): string {
  const all = JSON.stringify(result)
  if (fits(all)) return all
  const message = clip(result.message, MAX_MESSAGE)
  return JSON.stringify({ ...result, message, data: {}, links: {}, isTruncated: true })
}
