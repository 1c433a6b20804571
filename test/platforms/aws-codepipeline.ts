import { newestOf, ok, type Reply } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, type JsonServer, serveJson } from './aws-json.ts'

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

export interface CodePipelineServer extends JsonServer {
  state: CodePipelineState
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
  const platform = createCodePipeline(state)
  const served = await serveJson({
    ...{ service: 'codepipeline', target: 'CodePipeline_20150709', version: '1.1', state },
    operations: platform.operations,
  })
  const newest = () => newestOf(state.executions)
  return {
    ...served,
    state,
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

const caller = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'

/** An execution as GetPipelineExecution shows it. */
function shownOf({ token: _, sourceRevisions: __, startTime: ___, stages: ____, ...shown }: Execution) {
  return shown
}

function createCodePipeline(state: CodePipelineState) {
  const operations: Record<string, (input: Input) => Reply> = {
    StartPipelineExecution: (input) => withPipeline(input, (name) => start(name, input)),
    RollbackStage: (input) => withPipeline(input, (name) => rollback(name, input)),
    GetPipelineState: (input) => withPipeline(input, (name) => ok(stateOf(name))),
    ListPipelineExecutions: (input) => withPipeline(input, (name) => list(name, input)),
    GetPipelineExecution: (input) => withExecution(input, (execution) => ok({ pipelineExecution: shownOf(execution) })),
    ListActionExecutions: (input) =>
      withExecution(input, ({ pipelineExecutionId: id }) =>
        ok({
          actionExecutionDetails: state.actions.filter(({ pipelineExecutionId }) => pipelineExecutionId === id),
        }),
      ),
    StopPipelineExecution: (input) => withExecution(input, (execution) => stop(execution)),
  }

  function withPipeline(input: Input, answer: (name: string) => Reply): Reply {
    const name = String(input['pipelineName'] ?? input['name'])
    if (Object.hasOwn(state.pipelines, name)) return answer(name)
    return awsError(
      'PipelineNotFoundException',
      `The account with id '123456789012' does not include a pipeline with the name '${name}'`,
    )
  }

  function withExecution(input: Input, answer: (execution: Execution) => Reply): Reply {
    return withPipeline(input, () => {
      const id = input['pipelineExecutionId'] ?? (input['filter'] as Input | undefined)?.['pipelineExecutionId']
      const execution = state.executions.find(({ pipelineExecutionId }) => pipelineExecutionId === id)
      if (execution) return answer(execution)
      return awsError('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
    })
  }

  function start(name: string, input: Input): Reply {
    const { executions, pipelines } = state
    const { variables = [], sourceRevisions = [] } = input as {
      variables?: { name: string; value: string }[]
      sourceRevisions?: Execution['sourceRevisions']
    }
    const token = input['clientRequestToken'] as string | undefined
    if (token !== undefined && !/^[a-zA-Z0-9-]{1,128}$/.test(token))
      return awsError('ValidationException', "Value at 'clientRequestToken' failed to satisfy constraint")
    const unknown = variables.find((variable) => !pipelines[name]?.includes(variable.name))
    if (unknown)
      return awsError('ValidationException', `Variable ${unknown.name} is not defined at the pipeline level.`)
    if (sourceRevisions.some(({ actionName }) => actionName !== 'Source'))
      return awsError('ValidationException', 'The source action is not in the pipeline')
    const earlier = token === undefined ? undefined : executions.find((one) => one.token === token)
    if (earlier) return ok({ pipelineExecutionId: earlier.pipelineExecutionId })
    const revisionId = sourceRevisions[0]?.revisionValue
    const execution = execute(name, {
      ...(revisionId ? { artifactRevisions: [{ name: 'Source', revisionId, revisionSummary: 'Fix the cart' }] } : {}),
      variables: variables.map((variable) => ({ name: variable.name, resolvedValue: variable.value })),
      token,
      sourceRevisions,
    })
    return ok({ pipelineExecutionId: execution.pipelineExecutionId })
  }

  /** Starts an execution. */
  function execute(pipelineName: string, more: Partial<Execution> = {}): Execution {
    const { executions } = state
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

  function rollback(name: string, input: Input): Reply {
    const { stageName: stage, targetPipelineExecutionId: id } = input as Record<string, string>
    const { stages } = state
    if (!stage || !id) return awsError('ValidationException', "Value at 'stageName' failed to satisfy constraint")
    if (!stages.includes(stage)) return awsError('StageNotFoundException', `The stage '${stage}' does not exist.`)
    const target = state.executions.find((one) => one.pipelineName === name && one.pipelineExecutionId === id)
    if (!target) return awsError('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
    if (stage === stages[0] || target.executionType === 'ROLLBACK' || target.stages[stage] !== 'Succeeded')
      return awsError('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back to execution ${id}.`)
    if (lastIn(stage)?.stages[stage] === 'InProgress')
      return awsError('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back while it is in progress.`)
    const { pipelineExecutionId } = execute(name, {
      executionType: 'ROLLBACK',
      rollbackMetadata: { rollbackTargetPipelineExecutionId: id },
      trigger: { triggerType: 'ManualRollback', triggerDetail: caller },
      artifactRevisions: target.artifactRevisions,
      stages: { [stage]: 'InProgress' },
    })
    return ok({ pipelineExecutionId })
  }

  function lastIn(stage: string): Execution | undefined {
    return state.executions.findLast(({ stages }) => stage in stages)
  }

  function stateOf(pipelineName: string): object {
    const stageStates = state.stages.map((stageName) => {
      const last = lastIn(stageName)
      if (!last) return { stageName }
      const { pipelineExecutionId, executionType: type, stages } = last
      return { stageName, latestExecution: { pipelineExecutionId, status: stages[stageName], type } }
    })
    return { pipelineName, pipelineVersion: 3, stageStates }
  }

  function list(name: string, { filter, maxResults = 100 }: Input): Reply {
    const { stageName } = (filter as { succeededInStage?: { stageName?: string } } | undefined)?.succeededInStage ?? {}
    const asked = state.executions
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
    return ok({ pipelineExecutionSummaries: summaries })
  }

  function stop(execution: Execution): Reply {
    if (execution.status === 'Stopping')
      return awsError('DuplicatedStopRequestException', 'The pipeline execution is already in a Stopping state.')
    if (execution.status !== 'InProgress')
      return awsError('PipelineExecutionNotStoppableException', 'The pipeline execution is not in a stoppable state.')
    execution.status = 'Stopping'
    return ok({ pipelineExecutionId: execution.pipelineExecutionId })
  }

  return { operations, execute }
}
