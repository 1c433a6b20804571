import { awsOperation, type Call, type Reply, type Served, serve } from './serve.ts'

interface Action {
  pipelineExecutionId: string
  actionExecutionId: string
  stageName: string
  actionName: string
  status: string
  /** In seconds, as the API has all times. */
  startTime: number
  lastUpdateTime: number
  input: { actionTypeId: { category: string; owner: string; provider: string; version: string } }
  output?: {
    executionResult: {
      externalExecutionId?: string
      externalExecutionSummary?: string
      externalExecutionUrl?: string
      errorDetails?: { code: string; message: string }
    }
  }
}

interface Execution {
  pipelineName: string
  pipelineVersion: number
  pipelineExecutionId: string
  status: string
  statusSummary?: string
  artifactRevisions: { name: string; revisionId: string; revisionSummary: string }[]
  variables: { name: string; resolvedValue: string }[]
  /** Kept here alone. */
  token: string | undefined
  sourceRevisions: { actionName: string; revisionType: string; revisionValue: string }[]
}

/** What can be looked at and changed from a test. */
interface CodePipelineState {
  /** Names of pipelines, each with the variables that it declares. */
  pipelines: Record<string, string[]>
  executions: Execution[]
  actions: Action[]
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface CodePipelineServer extends Served {
  state: CodePipelineState
  /** What was asked for, in order: `StartPipelineExecution`. */
  operations(): string[]
  /** An action of the newest execution; each begins a minute after the one before. */
  act(name: string, status: string, more?: Partial<Action>): void
  end(status: string, statusSummary?: string): void
}

/**
 * AWS CodePipeline as its API answers: JSON 1.1, the operation in a header, the kind of an error in `__type`.
 *
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html
 */
export async function startCodePipeline(): Promise<CodePipelineServer> {
  const state: CodePipelineState = {
    pipelines: { 'shop-delivery': ['STAGE', 'REPLICAS'] },
    executions: [],
    actions: [],
    denied: [],
  }
  const served = await serve((call) => new CodePipeline(state).answer(call))
  const newest = () => {
    const found = state.executions.at(-1)
    if (!found) throw new Error('There is no execution')
    return found
  }
  return {
    ...served,
    state,
    operations: () => served.calls.map((call) => awsOperation(call) ?? ''),
    act(name, status, more = {}) {
      const [stageName = '', actionName = ''] = name.split('/')
      const startTime = 1_764_000_000 + state.actions.length * 60
      const type = { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' }
      state.actions.push({
        pipelineExecutionId: newest().pipelineExecutionId,
        actionExecutionId: `action-${state.actions.length}`,
        stageName,
        actionName,
        status,
        startTime,
        lastUpdateTime: startTime + 30,
        input: { actionTypeId: type },
        ...more,
      })
    },
    end(status, statusSummary) {
      Object.assign(newest(), { status, ...(statusSummary ? { statusSummary } : {}) })
    },
  }
}

type Input = Record<string, unknown>

function refuse(type: string, message: string): Reply {
  return { status: 400, body: { __type: type, message }, headers: { 'content-type': 'application/x-amz-json-1.1' } }
}

function done(body: object): Reply {
  return { status: 200, body, headers: { 'content-type': 'application/x-amz-json-1.1' } }
}

class CodePipeline {
  readonly #state: CodePipelineState

  constructor(state: CodePipelineState) {
    this.#state = state
  }

  answer(call: Call): Reply {
    const operation = awsOperation(call) ?? ''
    if (!String(call.headers['x-amz-target']).startsWith('CodePipeline_20150709.'))
      return refuse('UnknownOperationException', '')
    const signed = /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/[\w-]+\/codepipeline\/aws4_request/.exec(
      String(call.headers['authorization']),
    )
    if (signed?.[1] !== process.env['AWS_ACCESS_KEY_ID'])
      return refuse('UnrecognizedClientException', 'The security token included in the request is invalid.')
    if (this.#state.denied.includes(operation)) {
      const user = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'
      return refuse('AccessDeniedException', `User: ${user} is not authorized to perform: codepipeline:${operation}`)
    }
    const input = call.body as Input
    const name = String(input['pipelineName'] ?? input['name'])
    if (!Object.hasOwn(this.#state.pipelines, name))
      return refuse(
        'PipelineNotFoundException',
        `The account with id '123456789012' does not include a pipeline with the name '${name}'`,
      )
    if (operation === 'StartPipelineExecution') return this.#start(name, input)
    const id = input['pipelineExecutionId'] ?? (input['filter'] as Input | undefined)?.['pipelineExecutionId']
    const execution = this.#state.executions.find(({ pipelineExecutionId }) => pipelineExecutionId === id)
    if (!execution) return refuse('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
    switch (operation) {
      case 'GetPipelineExecution': {
        const { token: _, sourceRevisions: __, ...shown } = execution
        return done({ pipelineExecution: shown })
      }
      case 'ListActionExecutions':
        return done({
          actionExecutionDetails: this.#state.actions.filter(({ pipelineExecutionId }) => pipelineExecutionId === id),
        })
      case 'StopPipelineExecution':
        return this.#stop(execution)
      default:
        return refuse('UnknownOperationException', '')
    }
  }

  #start(name: string, input: Input): Reply {
    const { executions, pipelines } = this.#state
    const { variables = [], sourceRevisions = [] } = input as {
      variables?: { name: string; value: string }[]
      sourceRevisions?: Execution['sourceRevisions']
    }
    const token = input['clientRequestToken'] as string | undefined
    if (token !== undefined && !/^[a-zA-Z0-9-]{1,128}$/.test(token))
      return refuse('ValidationException', "Value at 'clientRequestToken' failed to satisfy constraint")
    const unknown = variables.find((variable) => !pipelines[name]?.includes(variable.name))
    if (unknown) return refuse('ValidationException', `Variable ${unknown.name} is not defined at the pipeline level.`)
    if (sourceRevisions.some(({ actionName }) => actionName !== 'Source'))
      return refuse('ValidationException', 'The source action is not in the pipeline')
    const earlier = token === undefined ? undefined : executions.find((one) => one.token === token)
    if (earlier) return done({ pipelineExecutionId: earlier.pipelineExecutionId })
    const number = (executions.length + 1).toString(16).padStart(12, '0')
    const pipelineExecutionId = `12345678-90ab-cdef-1234-${number}`
    const revisionId = sourceRevisions[0]?.revisionValue ?? '7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d'
    executions.push({
      pipelineName: name,
      pipelineVersion: 3,
      pipelineExecutionId,
      status: 'InProgress',
      artifactRevisions: [{ name: 'Source', revisionId, revisionSummary: 'Fix the cart' }],
      variables: variables.map((variable) => ({ name: variable.name, resolvedValue: variable.value })),
      token,
      sourceRevisions,
    })
    return done({ pipelineExecutionId })
  }

  #stop(execution: Execution): Reply {
    if (execution.status === 'Stopping')
      return refuse('DuplicatedStopRequestException', 'The pipeline execution is already in a Stopping state.')
    if (execution.status !== 'InProgress')
      return refuse('PipelineExecutionNotStoppableException', 'The pipeline execution is not in a stoppable state.')
    execution.status = 'Stopping'
    return done({ pipelineExecutionId: execution.pipelineExecutionId })
  }
}
