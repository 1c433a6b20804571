import { awsOperation, type Call, type Reply, type Served, serve } from './loopback-server.ts'

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
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface StepFunctionsServer extends Served {
  state: StepFunctionsState
  /** The requested operations in order: `StartExecution`. */
  operations(): string[]
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
    denied: [],
  }
  const served = await serve((call) => new StepFunctions(state).answer(call))
  return {
    ...served,
    state,
    operations: () => served.calls.map((call) => awsOperation(call) ?? ''),
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
      const newest = state.executions.at(-1)
      if (!newest) throw new Error('There is no execution')
      Object.assign(newest, { status, stopDate: newest.startDate + 90.4, ...more })
    },
  }
}

type Input = Record<string, unknown>

const json = { 'content-type': 'application/x-amz-json-1.0' }

function refuse(type: string, message: string): Reply {
  return { status: 400, body: { __type: `com.amazonaws.swf.service.v2.model#${type}`, message }, headers: json }
}

function done(body: object): Reply {
  return { status: 200, body, headers: json }
}

class StepFunctions {
  readonly #state: StepFunctionsState

  constructor(state: StepFunctionsState) {
    this.#state = state
  }

  answer(call: Call): Reply {
    const operation = awsOperation(call) ?? ''
    if (!String(call.headers['x-amz-target']).startsWith('AWSStepFunctions.'))
      return refuse('UnknownOperationException', '')
    const signed = /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/[\w-]+\/states\/aws4_request/.exec(
      String(call.headers['authorization']),
    )
    if (signed?.[1] !== process.env['AWS_ACCESS_KEY_ID'])
      return refuse('UnrecognizedClientException', 'The security token included in the request is invalid.')
    const input = call.body as Input
    if (this.#state.denied.includes(operation)) {
      const user = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'
      const on = input['stateMachineArn'] ?? input['executionArn']
      return refuse(
        'AccessDeniedException',
        `User: ${user} is not authorized to perform: states:${operation} on resource: ${on} because no identity-based policy allows the states:${operation} action`,
      )
    }
    switch (operation) {
      case 'DescribeStateMachine':
        return this.#machine(String(input['stateMachineArn']))
      case 'StartExecution':
        return this.#start(String(input['stateMachineArn']), input)
      default:
        return this.#onExecution(operation, String(input['executionArn']), input)
    }
  }

  #machine(arn: string): Reply {
    const type = this.#state.machines[arn]
    if (!type) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
    const role = 'arn:aws:iam::123456789012:role/tune-checkout'
    const name = arn.split(':').at(-1)
    return done({ stateMachineArn: arn, name, type, status: 'ACTIVE', roleArn: role, creationDate: 1_764_000_000 })
  }

  #start(arn: string, input: Input): Reply {
    const { machines, executions } = this.#state
    const [, unqualified = '', qualifier] = /^((?:[^:]+:){6}[^:]+)(?::(\w+))?$/.exec(arn) ?? []
    if (!unqualified) return refuse('InvalidArn', `Invalid Arn: '${arn}'`)
    if (!machines[unqualified]) return refuse('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`)
    const { name = `generated-${executions.length}`, input: given = '{}' } = input as { name?: string; input?: string }
    if (!/^[\w-]{1,80}$/.test(name)) return refuse('InvalidName', `Invalid Name: '${name}'`)
    const executionArn = `${unqualified.replace(':stateMachine:', ':execution:')}:${name}`
    const earlier = executions.find((one) => one.executionArn === executionArn)
    if (earlier?.status === 'RUNNING' && earlier.input === given)
      return done({ executionArn, startDate: earlier.startDate })
    if (earlier) return refuse('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`)
    const startDate = 1_764_000_000
    executions.push({
      ...{ executionArn, stateMachineArn: unqualified, name, status: 'RUNNING', input: given, startDate },
      ...(qualifier && /^\d+$/.test(qualifier) ? { stateMachineVersionArn: arn } : {}),
      ...(qualifier && !/^\d+$/.test(qualifier) ? { stateMachineAliasArn: arn } : {}),
    })
    return done({ executionArn, startDate })
  }

  #onExecution(operation: string, arn: string, input: Input): Reply {
    const { executions, events } = this.#state
    const execution = executions.find(({ executionArn }) => executionArn === arn)
    if (!execution) return refuse('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`)
    switch (operation) {
      case 'DescribeExecution':
        return done(execution)
      case 'GetExecutionHistory': {
        const { reverseOrder = false, maxResults = 100 } = input as { reverseOrder?: boolean; maxResults?: number }
        return done({ events: (reverseOrder ? events.toReversed() : events).slice(0, maxResults) })
      }
      case 'StopExecution': {
        const { error, cause } = input as { error?: string; cause?: string }
        const stopDate = execution.stopDate ?? execution.startDate + 10
        if (execution.status === 'RUNNING') Object.assign(execution, { status: 'ABORTED', stopDate, error, cause })
        return done({ stopDate })
      }
      default:
        return refuse('UnknownOperationException', '')
    }
  }
}
