import { newestOf, ok, type Reply } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, type JsonServer, serveJson } from './aws-json.ts'

interface Execution {
  executionArn: string
  stateMachineArn: string
  name: string
  status: string
  input: string
  /** In seconds, as the API has all times. */
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

/** The state of the fake. Tests read and change it. */
interface StepFunctionsState {
  /** The type of each state machine, by its ARN. */
  machines: Record<string, 'STANDARD' | 'EXPRESS'>
  executions: Execution[]
  /** Of the newest execution, the oldest first. */
  events: HistoryEvent[]
  /** States that wait for their result, by task token, and what was sent. */
  tasks: Record<string, WaitingTask>
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

interface WaitingTask {
  hasEnded: boolean
  heartbeats: number
  /** The request that ended it. */
  result?: Record<string, unknown>
}

export interface StepFunctionsServer extends JsonServer {
  state: StepFunctionsState
  /**
   * Something happens in the newest execution.
   *
   * @param type `TaskStateEntered`
   * @param options.state which state is entered
   * @param options.after the id of the event before it on its way, where not the one before it in time
   * @returns its id
   */
  event(type: string, options?: { state?: string; after?: number }): number
  end(status: string, more?: Partial<Execution>): void
}

const machine = 'arn:aws:states:eu-west-1:123456789012:stateMachine'

/**
 * AWS Step Functions as its API answers: JSON 1.0, the operation in a header, the kind of an error in `__type`.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
 */
export async function startStepFunctions(): Promise<StepFunctionsServer> {
  const state: StepFunctionsState = {
    machines: { [`${machine}:tune-checkout`]: 'STANDARD', [`${machine}:quick`]: 'EXPRESS' },
    executions: [],
    events: [],
    tasks: {},
    denied: [],
  }
  const { operations } = createStepFunctions(state)
  const served = await serveJson({ service: 'states', target: 'AWSStepFunctions', version: '1.0', state, operations })
  return {
    ...served,
    state,
    event(type, options = {}) {
      const id = state.events.length + 1
      state.events.push({
        id,
        previousEventId: options.after ?? id - 1,
        type,
        timestamp: 1_764_000_000 + id,
        ...(options.state ? { stateEnteredEventDetails: { name: options.state } } : {}),
      })
      return id
    },
    end(status, more = {}) {
      const newest = newestOf(state.executions)
      Object.assign(newest, { status, stopDate: newest.startDate + 90.4, ...more })
    },
  }
}

type Input = Record<string, unknown>

function refuse(type: string, message: string): Reply {
  return awsError(`com.amazonaws.swf.service.v2.model#${type}`, message)
}

function createStepFunctions(state: StepFunctionsState) {
  const operations: Record<string, (input: Input) => Reply> = {
    DescribeStateMachine: ({ stateMachineArn: arn }) => describeMachine(String(arn)),
    StartExecution: (input) => start(String(input['stateMachineArn']), input),
    DescribeExecution: (input) => withExecution(input, ok),
    GetExecutionHistory: (input) => withExecution(input, () => getHistory(input)),
    StopExecution: (input) => withExecution(input, (execution) => stop(execution, input)),
    SendTaskSuccess: (input) => withTask(input, (task) => endTask(task, input)),
    SendTaskFailure: (input) => withTask(input, (task) => endTask(task, input)),
    SendTaskHeartbeat: (input) => withTask(input, (task) => void task.heartbeats++),
  }

  function describeMachine(arn: string): Reply {
    const type = state.machines[arn]
    if (!type) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
    const role = 'arn:aws:iam::123456789012:role/tune-checkout'
    const name = arn.split(':').at(-1)
    return ok({ stateMachineArn: arn, name, type, status: 'ACTIVE', roleArn: role, creationDate: 1_764_000_000 })
  }

  function start(arn: string, input: Input): Reply {
    const { machines, executions } = state
    const [, unqualified = '', qualifier] = /^((?:[^:]+:){6}[^:]+)(?::(\w+))?$/.exec(arn) ?? []
    if (!unqualified) return refuse('InvalidArn', `Invalid Arn: '${arn}'`)
    if (!machines[unqualified]) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
    const { name = `generated-${executions.length}`, input: given = '{}' } = input as { name?: string; input?: string }
    if (!/^[\w-]{1,80}$/.test(name)) return refuse('InvalidName', `Invalid Name: '${name}'`)
    const executionArn = `${unqualified.replace(':stateMachine:', ':execution:')}:${name}`
    const earlier = executions.find((one) => one.executionArn === executionArn)
    if (earlier?.status === 'RUNNING' && earlier.input === given)
      return ok({ executionArn, startDate: earlier.startDate })
    if (earlier) return refuse('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`)
    const startDate = 1_764_000_000
    executions.push({
      ...{ executionArn, stateMachineArn: unqualified, name, status: 'RUNNING', input: given, startDate },
      ...(qualifier && /^\d+$/.test(qualifier) ? { stateMachineVersionArn: arn } : {}),
      ...(qualifier && !/^\d+$/.test(qualifier) ? { stateMachineAliasArn: arn } : {}),
    })
    return ok({ executionArn, startDate })
  }

  function withExecution({ executionArn: arn }: Input, answer: (execution: Execution) => Reply): Reply {
    const execution = state.executions.find(({ executionArn }) => executionArn === arn)
    return execution ? answer(execution) : refuse('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
  }

  function getHistory({ reverseOrder = false, maxResults = 100 }: Input): Reply {
    const { events } = state
    return ok({ events: (reverseOrder ? events.toReversed() : events).slice(0, Number(maxResults)) })
  }

  function stop(execution: Execution, { error, cause }: Input): Reply {
    const stopDate = execution.stopDate ?? execution.startDate + 10
    if (execution.status === 'RUNNING') Object.assign(execution, { status: 'ABORTED', stopDate, error, cause })
    return ok({ stopDate })
  }

  function withTask({ taskToken }: Input, act: (task: WaitingTask) => void): Reply {
    const task = state.tasks[String(taskToken)]
    if (!task) return refuse('InvalidToken', 'Invalid token')
    if (task.hasEnded) return refuse('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore')
    act(task)
    return ok({})
  }

  function endTask(task: WaitingTask, { taskToken: _, ...result }: Input): void {
    task.hasEnded = true
    task.result = result
  }

  return { operations }
}
