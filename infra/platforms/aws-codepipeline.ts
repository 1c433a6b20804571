import { awsOperation, type Call, type Reply, type Served, serve } from './loopback-server.ts'

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
  executionType: 'STANDARD' | 'ROLLBACK'
  rollbackMetadata?: { rollbackTargetPipelineExecutionId: string }
  trigger: { triggerType: string; triggerDetail: string }
  /** Not part of a response. */
  token: string | undefined
  sourceRevisions: { actionName: string; revisionType: string; revisionValue: string }[]
  startTime: number
  /** How each stage has ended in it. */
  stages: Record<string, string>
}

/** The state of the fake. Tests read and change it. */
interface CodePipelineState {
  /** Names of pipelines, each with the variables that it declares. */
  pipelines: Record<string, string[]>
  executions: Execution[]
  actions: Action[]
  /** The stages of every pipeline, the source first. */
  stages: string[]
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface CodePipelineServer extends Served {
  state: CodePipelineState
  /** The requested operations in order: `StartPipelineExecution`. */
  operations(): string[]
  /** An action of the newest execution. Each starts a minute after the previous one. */
  act(name: string, status: string, more?: Partial<Action>): void
  end(status: string, statusSummary?: string): void
  /** The newest execution has gone through a stage, and how that ended there. */
  pass(stage: string, status: string): void
  /** An execution of another user that ended like this in the stage Deploy. */
  deploy(status: string): string
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
    stages: ['Source', 'Build', 'Deploy'],
    denied: [],
  }
  const platform = new CodePipeline(state)
  const served = await serve((call) => platform.answer(call))
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
    pass(stage, status) {
      newest().stages[stage] = status
    },
    deploy(status) {
      const execution = platform.execute('shop-delivery')
      Object.assign(execution, { status, stages: { Source: 'Succeeded', Build: 'Succeeded', Deploy: status } })
      return execution.pipelineExecutionId
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

const caller = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'

/** An execution as GetPipelineExecution shows it. */
function shownOf({ token: _, sourceRevisions: __, startTime: ___, stages: ____, ...shown }: Execution) {
  return shown
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
      return refuse('AccessDeniedException', `User: ${caller} is not authorized to perform: codepipeline:${operation}`)
    }
    const input = call.body as Input
    const name = String(input['pipelineName'] ?? input['name'])
    if (!Object.hasOwn(this.#state.pipelines, name))
      return refuse(
        'PipelineNotFoundException',
        `The account with id '123456789012' does not include a pipeline with the name '${name}'`,
      )
    if (operation === 'StartPipelineExecution') return this.#start(name, input)
    if (operation === 'RollbackStage') return this.#rollback(name, input)
    if (operation === 'GetPipelineState') return done(this.#stateOf(name))
    if (operation === 'ListPipelineExecutions') return this.#list(name, input)
    const id = input['pipelineExecutionId'] ?? (input['filter'] as Input | undefined)?.['pipelineExecutionId']
    const execution = this.#state.executions.find(({ pipelineExecutionId }) => pipelineExecutionId === id)
    if (!execution) return refuse('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
    switch (operation) {
      case 'GetPipelineExecution': {
        return done({ pipelineExecution: shownOf(execution) })
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
    const revisionId = sourceRevisions[0]?.revisionValue
    const execution = this.execute(name, {
      ...(revisionId ? { artifactRevisions: [{ name: 'Source', revisionId, revisionSummary: 'Fix the cart' }] } : {}),
      variables: variables.map((variable) => ({ name: variable.name, resolvedValue: variable.value })),
      token,
      sourceRevisions,
    })
    return done({ pipelineExecutionId: execution.pipelineExecutionId })
  }

  /** Starts an execution. */
  execute(pipelineName: string, more: Partial<Execution> = {}): Execution {
    const { executions } = this.#state
    const number = (executions.length + 1).toString(16).padStart(12, '0')
    const execution: Execution = {
      pipelineName,
      pipelineVersion: 3,
      pipelineExecutionId: `12345678-90ab-cdef-1234-${number}`,
      status: 'InProgress',
      artifactRevisions: [
        { name: 'Source', revisionId: '7e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d', revisionSummary: 'Fix the cart' },
      ],
      variables: [],
      executionType: 'STANDARD',
      trigger: { triggerType: 'StartPipelineExecution', triggerDetail: caller },
      token: undefined,
      sourceRevisions: [],
      startTime: 1_764_000_000 + executions.length * 600,
      stages: {},
      ...more,
    }
    executions.push(execution)
    return execution
  }

  #rollback(name: string, input: Input): Reply {
    const { stageName: stage, targetPipelineExecutionId: id } = input as Record<string, string>
    const { stages } = this.#state
    if (!stage || !id) return refuse('ValidationException', "Value at 'stageName' failed to satisfy constraint")
    if (!stages.includes(stage)) return refuse('StageNotFoundException', `The stage '${stage}' does not exist.`)
    const target = this.#state.executions.find((one) => one.pipelineName === name && one.pipelineExecutionId === id)
    if (!target) return refuse('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
    if (stage === stages[0] || target.executionType === 'ROLLBACK' || target.stages[stage] !== 'Succeeded')
      return refuse('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back to execution ${id}.`)
    if (this.#lastIn(stage)?.stages[stage] === 'InProgress')
      return refuse('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back while it is in progress.`)
    const { pipelineExecutionId } = this.execute(name, {
      executionType: 'ROLLBACK',
      rollbackMetadata: { rollbackTargetPipelineExecutionId: id },
      trigger: { triggerType: 'ManualRollback', triggerDetail: caller },
      artifactRevisions: target.artifactRevisions,
      stages: { [stage]: 'InProgress' },
    })
    return done({ pipelineExecutionId })
  }

  #lastIn(stage: string): Execution | undefined {
    return this.#state.executions.findLast(({ stages }) => stage in stages)
  }

  #stateOf(pipelineName: string): object {
    const stageStates = this.#state.stages.map((stageName) => {
      const last = this.#lastIn(stageName)
      if (!last) return { stageName }
      const { pipelineExecutionId, executionType: type, stages } = last
      return { stageName, latestExecution: { pipelineExecutionId, status: stages[stageName], type } }
    })
    return { pipelineName, pipelineVersion: 3, stageStates }
  }

  #list(name: string, { filter, maxResults = 100 }: Input): Reply {
    const { stageName } = (filter as { succeededInStage?: { stageName?: string } } | undefined)?.succeededInStage ?? {}
    const asked = this.#state.executions
      .filter(({ pipelineName, stages }) => pipelineName === name && (!stageName || stages[stageName] === 'Succeeded'))
      .toReversed()
      .slice(0, maxResults as number)
    const summaries = asked.map((execution) => {
      const {
        pipelineName: _,
        pipelineVersion: __,
        artifactRevisions: ___,
        variables: ____,
        ...shown
      } = shownOf(execution)
      return { ...shown, startTime: execution.startTime }
    })
    return done({ pipelineExecutionSummaries: summaries })
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
