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
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJobProvider, type Run, type RunStatus } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn, parseOutput } from '../../../shared/providers/run-output.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** So many run that no other one may: one of them will end. */
const tooMany = 'ExecutionLimitExceeded'
const mostEvents = 100
const longestReason = 500
/** Why an execution has ended that was stopped from here, as its history shows it. */
const stopped = { error: 'Stopped', cause: 'Asked for by cloud-automation-webhooks' }

/**
 * AWS Step Functions: an execution of a state machine of the type STANDARD. Its name is the key of its call, which AWS gives
 * to one execution only.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
 */
export const awsStepFunctions = defineJobProvider({
  title: 'AWS Step Functions',
  aws: Aws,
  noun: 'execution',
  connection: z.strictObject({ ...awsAccountFields, target: optional(word('Default state machine, by its ARN')) }),
  states: {
    RUNNING: 'running',
    PENDING_REDRIVE: 'running',
    SUCCEEDED: 'pass',
    FAILED: 'fail',
    // The machine's own limit of time: it ran, and did not do in it what it should.
    TIMED_OUT: 'fail',
    ABORTED: 'aborted',
  },
  hasIdempotentStart: true as const,

  async check({ aws, connection: { target } }) {
    if (target !== undefined) return requireStandard(aws, target)
    // What is allowed is allowed for machines: without one, a refusal says at least that AWS knows who asks.
    const answers = ['StateMachineDoesNotExist', 'InvalidArn', 'AccessDeniedException']
    const none = `arn:aws:states:${await aws.region(SFNClient)}:000000000000:stateMachine:none`
    try {
      await requireStandard(aws, none)
    } catch (error) {
      if (!answers.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart({ target, project, ref }) {
    if (project !== undefined)
      throw invalid('project', 'of no use, since state machines are in no project: leave it out')
    if (!machinePattern.test(target))
      throw invalid(
        'target',
        `no state machine: write its ARN, like ${example.machine}, and a version or alias into ref`,
      )
    if (ref !== undefined && !/^[\w.-]{1,80}$/.test(ref))
      throw invalid('ref', 'no version or alias: write a number like 3, or a name like PROD')
  },

  async start({ aws, idempotencyKey: key }, { target, ref, parameters = {} }) {
    await requireStandard(aws, target)
    const command = new StartExecutionCommand({
      stateMachineArn: ref === undefined ? target : `${target}:${ref}`,
      name: key,
      input: JSON.stringify(parameters),
    })
    try {
      const { executionArn } = await aws.write(SFNClient, command, tooMany)
      return runOf(aws.requireField(executionArn, 'executionArn'))
    } catch (error) {
      // An earlier try has started it, and it has ended since: while it runs, AWS answers it itself.
      if (awsErrorOf(error)?.name !== 'ExecutionAlreadyExists') throw error
      return runOf(`${target.replace(':stateMachine:', ':execution:')}:${key}`)
    }
  },

  async getStatus({ aws }, { id }) {
    const execution = await aws.read(SFNClient, new DescribeExecutionCommand({ executionArn: id }))
    const state = aws.requireField(execution.status, 'status')
    const sight = { state, run: runOf(id) }
    if (state === 'RUNNING') {
      const { name } = await stateOf(aws, id)
      return { ...sight, progress: name && `state ${name}` }
    }
    return { ...sight, ...(await resultsOf(aws, id, { ...execution, state })) }
  },

  parseRunId({ id }) {
    if (executionPattern.test(id)) return runOf(id)
    throw invalid('id', `no execution of a standard state machine: write its ARN, like ${example.execution}`)
  },

  async stop({ aws }, { id }) {
    await aws.write(SFNClient, new StopExecutionCommand({ executionArn: id, ...stopped }))
  },
})

const name = '[^\\s<>{}[\\]?*"#%\\\\^|~`$&,;:/]{1,80}'
const service = 'arn:aws[a-z-]*:states:[a-z0-9-]+:\\d{12}'
const machinePattern = new RegExp(`^${service}:stateMachine:${name}$`)
const executionPattern = new RegExp(`^${service}:execution:${name}:${name}$`)
const example = {
  machine: 'arn:aws:states:eu-west-1:123456789012:stateMachine:tune-checkout',
  execution: 'arn:aws:states:eu-west-1:123456789012:execution:tune-checkout:8f018bc0',
}

/** An express one would be started at each try, and could not be looked at. */
async function requireStandard(aws: Aws, stateMachineArn: string): Promise<void> {
  // Its definition may be encrypted, and is of no interest.
  const command = new DescribeStateMachineCommand({ stateMachineArn, includedData: 'METADATA_ONLY' })
  const { type } = await aws.read(SFNClient, command)
  if (type !== 'EXPRESS') return
  throw new Failure(
    'refused',
    `The state machine ${stateMachineArn} is of the type EXPRESS, whose executions can neither be told apart nor followed: name one of the type STANDARD.`,
  )
}

function runOf(executionArn: string): Run {
  const [, , , region = ''] = executionArn.split(':')
  return { id: executionArn, url: `${consoleUrl(region, 'states/home')}#/v2/executions/details/${executionArn}` }
}

/** Of all that an execution says, what we use. */
interface Ended {
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
  { state, startDate, stopDate, output, error, cause }: Ended,
): Promise<Partial<RunStatus>> {
  const failed = state === 'FAILED' || state === 'TIMED_OUT'
  const { name, unread } = failed ? await stateOf(aws, executionArn) : {}
  const answered = parseOutput(output)
  const duration: Record<string, number> =
    startDate && stopDate ? { duration: Math.round((stopDate.getTime() - startDate.getTime()) / 1_000) } : {}
  const why = [name && `in state ${name}`, error, cause].filter(Boolean).join(': ')
  return {
    reason: clipSingleLine([why, unread].filter(Boolean).join('; '), longestReason) || undefined,
    data: {
      ...duration,
      ...(name ? { failedState: name } : {}),
      ...(limitOutput(answered) === undefined ? {} : { output: limitOutput(answered) }),
    },
    metrics: { ...duration, ...metricsIn(answered) },
    period: { start: startDate, end: stopDate },
  }
}

/** The state that it is in, or was at its end; a role that may not read that is no reason to lose the rest. */
async function stateOf(aws: Aws, executionArn: string): Promise<{ name?: string | undefined; unread?: string }> {
  const asked = { executionArn, reverseOrder: true, maxResults: mostEvents, includeExecutionData: false }
  try {
    const { events = [] } = await aws.read(SFNClient, new GetExecutionHistoryCommand(asked))
    return { name: stateIn(events) }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { unread: `its history can not be read: ${error.message}` }
  }
}

interface HistoryEvent {
  id: number | undefined
  previousEventId?: number | undefined
  stateEnteredEventDetails?: { name: string | undefined } | undefined
}

/**
 * The state that the newest event is about. Where states run side by side their events are mixed, so each is followed back
 * to the one before it.
 *
 * @param events the newest first
 */
function stateIn(events: HistoryEvent[]): string | undefined {
  let wanted = events[0]?.id
  for (const { id, previousEventId, stateEnteredEventDetails: entered } of events) {
    if (id !== wanted) continue
    if (entered) return entered.name
    wanted = previousEventId
  }
  // The end at a limit of time follows no event.
  return events.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails)?.stateEnteredEventDetails?.name
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
