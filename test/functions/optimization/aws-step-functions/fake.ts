import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'

interface Execution {
  executionArn: string
  stateMachineArn: string
  name: string
  status: string
  input: string
  /** Seconds since 1970. */
  startDate: number
  stopDate?: number
  output?: string
  error?: string
  cause?: string
  stateMachineVersionArn?: string
  stateMachineAliasArn?: string
}

interface HistoryEvent {
  id: number
  previousEventId: number
  type: string
  timestamp: number
  stateEnteredEventDetails?: { name: string }
}

interface WaitingTask {
  hasEnded: boolean
  heartbeats: number
  /** The request that ended it. */
  result?: Record<string, unknown>
}

export type StepFunctionsServer = Awaited<ReturnType<typeof startStepFunctions>>

type State = ReturnType<typeof initial>

const MACHINES = 'arn:aws:states:eu-west-1:123456789012:stateMachine'
const STARTED_AT = 1_764_000_000

const initial = () => ({
  /** The type of each state machine, by its ARN. */
  machines: { [`${MACHINES}:tune-checkout`]: 'STANDARD', [`${MACHINES}:quick`]: 'EXPRESS' } as Record<string, string>,
  executions: [] as Execution[],
  /** Events of the newest execution, the oldest first. */
  events: [] as HistoryEvent[],
  /** States that wait for their result, by task token. */
  tasks: {} as Record<string, WaitingTask>,
  denied: [] as string[],
})

/**
 * AWS Step Functions.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
 */
export const startStepFunctions = defineJsonService({
  service: 'states',
  target: 'AWSStepFunctions',
  version: '1.0',
  state: initial,
  routes: {
    DescribeStateMachine: ({ state, body: { stateMachineArn } }) => {
      const type = state.machines[stateMachineArn]
      if (!type) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${stateMachineArn}'`)
      return {
        stateMachineArn,
        name: stateMachineArn.split(':').at(-1),
        type,
        status: 'ACTIVE',
        roleArn: 'arn:aws:iam::123456789012:role/tune-checkout',
        creationDate: STARTED_AT,
      }
    },
    StartExecution: ({ state, body }) => start(state, body),
    DescribeExecution: ({ state, body }) => withExecution(state, body.executionArn, (execution) => execution),
    GetExecutionHistory: ({ state: { executions, events }, body: { executionArn, reverseOrder, maxResults = 100 } }) =>
      withExecution({ executions }, executionArn, () => ({
        events: (reverseOrder ? events.toReversed() : events).slice(0, maxResults),
      })),
    StopExecution: ({ state, body: { executionArn, error, cause } }) =>
      withExecution(state, executionArn, (execution) => {
        const stopDate = execution.stopDate ?? execution.startDate + 10
        if (execution.status === 'RUNNING') Object.assign(execution, { status: 'ABORTED', stopDate, error, cause })
        return { stopDate }
      }),
    SendTaskSuccess: ({ state, body }) => endTask(state, body),
    SendTaskFailure: ({ state, body }) => endTask(state, body),
    SendTaskHeartbeat: ({ state, body }) => withTask(state, body.taskToken, (task) => void task.heartbeats++),
  },
  members: ({ executions, events }) => ({
    /**
     * Adds an event to the newest execution.
     *
     * @param type `TaskStateEntered`
     * @param options.state the state that is entered
     * @param options.after the id of the previous event of the same branch. Defaults to the newest event
     * @returns the id of the event
     */
    event(type: string, options: { state?: string; after?: number } = {}) {
      const id = events.length + 1
      events.push({
        id,
        previousEventId: options.after ?? id - 1,
        type,
        timestamp: STARTED_AT + id,
        ...(options.state ? { stateEnteredEventDetails: { name: options.state } } : {}),
      })
      return id
    },
    /** Ends the newest execution. */
    end(status: string, fields: Partial<Execution> = {}) {
      const execution = newestOf(executions)
      Object.assign(execution, { status, stopDate: execution.startDate + 90.4, ...fields })
    },
  }),
})

function refuse(type: string, message: string): Reply {
  return awsError(`com.amazonaws.swf.service.v2.model#${type}`, message)
}

function start(
  { machines, executions }: State,
  { stateMachineArn: arn, name = `generated-${executions.length}`, input = '{}' }: Record<string, string>,
): object | Reply {
  const [, unqualified = '', qualifier = ''] = /^((?:[^:]+:){6}[^:]+)(?::(\w+))?$/.exec(arn ?? '') ?? []
  if (!unqualified) return refuse('InvalidArn', `Invalid Arn: '${arn}'`)
  if (!machines[unqualified]) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
  if (!/^[\w-]{1,80}$/.test(name)) return refuse('InvalidName', `Invalid Name: '${name}'`)
  const executionArn = `${unqualified.replace(':stateMachine:', ':execution:')}:${name}`
  const earlier = executions.find((execution) => execution.executionArn === executionArn)
  if (earlier?.status === 'RUNNING' && earlier.input === input) return { executionArn, startDate: earlier.startDate }
  if (earlier) return refuse('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`)
  const startDate = STARTED_AT
  const isVersion = /^\d+$/.test(qualifier)
  executions.push({
    executionArn,
    stateMachineArn: unqualified,
    name,
    status: 'RUNNING',
    input,
    startDate,
    ...(qualifier ? { [isVersion ? 'stateMachineVersionArn' : 'stateMachineAliasArn']: arn } : {}),
  })
  return { executionArn, startDate }
}

function withExecution(
  { executions }: Pick<State, 'executions'>,
  arn: string,
  answer: (execution: Execution) => object,
): object | Reply {
  const execution = executions.find(({ executionArn }) => executionArn === arn)
  return execution ? answer(execution) : refuse('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
}

function endTask(state: State, { taskToken, ...result }: Record<string, string>): object | Reply {
  return withTask(state, taskToken, (task) => Object.assign(task, { hasEnded: true, result }))
}

function withTask({ tasks }: State, token = '', act: (task: WaitingTask) => void): object | Reply {
  const task = tasks[token]
  if (!task) return refuse('InvalidToken', 'Invalid token')
  if (task.hasEnded) return refuse('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore')
  act(task)
  return {}
}

export const jobRow = {
  starts: /^StartExecution$/,
  start: startWith(startStepFunctions, ({ url: endpoint, state, end }) => {
    const [target = ''] = Object.keys(state.machines)
    return {
      connection: { region: 'eu-west-1', endpoint },
      input: { target },
      ...runsIn(() => state.executions.map((run) => [run.executionArn, run.status === 'ABORTED'])),
      ...stages(end, undefined, 'SUCCEEDED'),
    }
  }),
} satisfies JobRow
