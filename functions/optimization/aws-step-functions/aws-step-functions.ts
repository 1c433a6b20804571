import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { Failure, invalidInput, refused } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import { limitOutput, metricsIn, parseOutput } from '../../../shared/providers/run-output.ts'

/** Transient: a running execution will end. */
const LIMIT_ERROR = 'ExecutionLimitExceeded'
const MAX_EVENTS = 100
/** The reason of a stop in the history of an execution. */
const stopReason = { error: 'Stopped', cause: 'Requested by cloud-automation-webhooks' }

const name = '[^\\s<>{}[\\]?*"#%\\\\^|~`$&,;:/]{1,80}'
const service = 'arn:aws[a-z-]*:states:[a-z0-9-]+:\\d{12}'
const machinePattern = new RegExp(`^${service}:stateMachine:${name}$`)
const executionPattern = new RegExp(`^${service}:execution:${name}:${name}$`)
const example = {
  machine: 'arn:aws:states:eu-west-1:123456789012:stateMachine:tune-checkout',
  execution: 'arn:aws:states:eu-west-1:123456789012:execution:tune-checkout:8f018bc0',
}

/**
 * Starts executions of AWS Step Functions state machines of the type STANDARD. The name of an execution is the idempotency key.
 * AWS accepts a name only once.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
 */
export const awsStepFunctions = defineJob({
  title: 'AWS Step Functions',
  aws: Aws,
  noun: 'execution',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
  connection: z.strictObject({ ...awsAccountFields, target: optional(word('Default state machine, by its ARN')) }),
  states: {
    RUNNING: 'running',
    PENDING_REDRIVE: 'running',
    SUCCEEDED: 'pass',
    FAILED: 'fail',
    // The time limit of the state machine.
    TIMED_OUT: 'fail',
    ABORTED: 'aborted',
  },
  hasIdempotentStart: true,
  runId: {
    pattern: executionPattern,
    description: `the ARN of an execution of a standard state machine, such as ${example.execution}`,
  },
  identify({ executionArn: id }: { executionArn: string }) {
    const [, , , region = ''] = id.split(':')
    return { id, url: `${consoleUrl(region, 'states/home')}#/v2/executions/details/${id}` }
  },

  async check({ aws, connection: { target } }) {
    if (target !== undefined) return requireStandard(aws, target)
    // Permissions are granted for state machines. Without one, a refusal still proves that AWS accepts the credentials.
    const expectedErrors = ['StateMachineDoesNotExist', 'InvalidArn', 'AccessDeniedException']
    const missing = `arn:aws:states:${await aws.region(SFNClient)}:000000000000:stateMachine:none`
    try {
      await requireStandard(aws, missing)
    } catch (error) {
      if (!expectedErrors.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart({ target, project, ref }) {
    if (project !== undefined) throw invalidInput('input.project', 'is not supported. State machines have no projects')
    if (!machinePattern.test(target))
      throw invalidInput(
        'input.target',
        `must be the ARN of a state machine, such as ${example.machine}. Send a version or alias as ref`,
      )
    if (ref !== undefined && !/^[\w.-]{1,80}$/.test(ref))
      throw invalidInput('input.ref', 'must be a version, such as 3, or an alias, such as PROD')
  },

  async start({ aws, idempotencyKey: key }, { target, ref, parameters = {} }) {
    await requireStandard(aws, target)
    const command = new StartExecutionCommand({
      stateMachineArn: ref === undefined ? target : `${target}:${ref}`,
      name: key,
      input: JSON.stringify(parameters),
    })
    try {
      const { executionArn } = await aws.write(SFNClient, command, LIMIT_ERROR)
      return { executionArn: aws.requireField(executionArn, 'executionArn') }
    } catch (error) {
      // An earlier attempt started it, and it has ended. While it runs, AWS returns it.
      if (awsErrorOf(error)?.name !== 'ExecutionAlreadyExists') throw error
      return { executionArn: `${target.replace(':stateMachine:', ':execution:')}:${key}` }
    }
  },

  async getStatus({ aws }, { id }) {
    const execution = await aws.read(SFNClient, new DescribeExecutionCommand({ executionArn: id }))
    const state = aws.requireField(execution.status, 'status')
    const current = { state, run: { executionArn: id } }
    if (state === 'RUNNING') {
      const { name } = await stateOf(aws, id)
      return { ...current, progress: name && `state ${name}` }
    }
    return { ...current, results: () => resultsOf(aws, id, { ...execution, state }) }
  },

  async stop({ aws }, { id }) {
    await aws.write(SFNClient, new StopExecutionCommand({ executionArn: id, ...stopReason }))
  },
})

/** Refuses an express state machine: its executions cannot be deduplicated or polled. */
async function requireStandard(aws: Aws, stateMachineArn: string): Promise<void> {
  // The definition may be encrypted and is not needed.
  const command = new DescribeStateMachineCommand({ stateMachineArn, includedData: 'METADATA_ONLY' })
  const { type } = await aws.read(SFNClient, command)
  if (aws.requireField(type, 'type') !== 'EXPRESS') return
  throw refused(
    `The state machine ${stateMachineArn} has the type EXPRESS, whose executions cannot be polled. Use one with the type STANDARD.`,
  )
}

interface EndedExecution {
  state: string
  startDate?: Date | undefined
  stopDate?: Date | undefined
  output?: string | undefined
  error?: string | undefined
  cause?: string | undefined
}

async function resultsOf(
  aws: Aws,
  executionArn: string,
  { state, startDate, stopDate, output, error, cause }: EndedExecution,
): Promise<RunResults> {
  const failed = state === 'FAILED' || state === 'TIMED_OUT'
  const { name, unread } = failed ? await stateOf(aws, executionArn) : {}
  const parsed = parseOutput(output)
  return {
    reasons: [[name && `in state ${name}`, error, cause].filter(Boolean).join(': '), unread],
    data: {
      ...(name ? { failedState: name } : {}),
      ...(limitOutput(parsed) === undefined ? {} : { output: limitOutput(parsed) }),
    },
    metrics: metricsIn(parsed),
    period: { start: startDate, end: stopDate },
  }
}

/** Returns the current or last state. If the role cannot read the history, the result is still reported. */
async function stateOf(aws: Aws, executionArn: string): Promise<{ name?: string | undefined; unread?: string }> {
  const input = { executionArn, reverseOrder: true, maxResults: MAX_EVENTS, includeExecutionData: false }
  try {
    const { events } = await aws.read(SFNClient, new GetExecutionHistoryCommand(input))
    return { name: stateIn(aws.requireField(events, 'events')) }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { unread: `its history cannot be read: ${error.message}` }
  }
}

interface HistoryEvent {
  id: number | undefined
  previousEventId?: number | undefined
  stateEnteredEventDetails?: { name: string | undefined } | undefined
}

/**
 * Returns the state of the newest event. Parallel states mix their events, so each event is traced to its previous one.
 *
 * @param events newest first
 */
function stateIn(events: HistoryEvent[]): string | undefined {
  let wanted = events[0]?.id
  for (const { id, previousEventId, stateEnteredEventDetails: entered } of events) {
    if (id !== wanted) continue
    if (entered) return entered.name
    wanted = previousEventId
  }
  // The event of a timeout has no previous event.
  return events.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails)?.stateEnteredEventDetails?.name
}
