import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'

interface Action {
  pipelineExecutionId: string
  actionExecutionId: string
  stageName: string
  actionName: string
  status: string
  /** Seconds since 1970. */
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
  /** The result of each stage. */
  stages: Record<string, string>
}

type State = ReturnType<typeof initial>

/** The parameters of the operations. */
interface Input {
  /** Some operations have `pipelineName`, the others `name`. */
  name?: string
  pipelineName?: string
  pipelineExecutionId?: string
  filter?: { pipelineExecutionId?: string; succeededInStage?: { stageName?: string } }
}

const caller = 'arn:aws:sts::123456789012:assumed-role/webhooks/function'

const initial = () => ({
  /** Names of pipelines, each with the variables that it declares. */
  pipelines: { 'shop-delivery': ['STAGE', 'REPLICAS'] } as Record<string, string[]>,
  executions: [] as Execution[],
  actions: [] as Action[],
  /** The stages of every pipeline, the source first. */
  stages: ['Source', 'Build', 'Deploy'],
  denied: [] as string[],
})

/**
 * AWS CodePipeline.
 *
 * @see https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html
 */
export const startCodePipeline = defineJsonService({
  service: 'codepipeline',
  target: 'CodePipeline_20150709',
  version: '1.1',
  state: initial,
  routes: {
    StartPipelineExecution: ({ state, body }) => noPipeline(state, body) ?? start(state, body),
    RollbackStage: ({ state, body }) => noPipeline(state, body) ?? rollback(state, body),
    GetPipelineState: ({ state, body }) => noPipeline(state, body) ?? toState(state, body.name),
    ListPipelineExecutions: ({ state, body }) => noPipeline(state, body) ?? list(state, body),
    GetPipelineExecution: ({ state, body }) =>
      withExecution(state, body, (execution) => ({ pipelineExecution: toResponse(execution) })),
    ListActionExecutions: ({ state, body }) =>
      withExecution(state, body, (execution) => ({
        actionExecutionDetails: state.actions.filter(
          ({ pipelineExecutionId }) => pipelineExecutionId === execution.pipelineExecutionId,
        ),
      })),
    StopPipelineExecution: ({ state, body }) => withExecution(state, body, stop),
  },
  members: ({ executions, actions }) => ({
    /** Adds an action to the newest execution. Each starts a minute after the previous one. */
    act(name: string, status: string, fields: Partial<Action> = {}) {
      const [stageName = '', actionName = ''] = name.split('/')
      const startTime = 1_764_000_000 + actions.length * 60
      actions.push({
        pipelineExecutionId: newestOf(executions).pipelineExecutionId,
        actionExecutionId: `action-${actions.length}`,
        stageName,
        actionName,
        status,
        startTime,
        lastUpdateTime: startTime + 30,
        input: { actionTypeId: { category: 'Build', owner: 'AWS', provider: 'CodeBuild', version: '1' } },
        ...fields,
      })
    },
    /** Ends the newest execution. */
    end(status: string, statusSummary?: string) {
      Object.assign(newestOf(executions), { status, ...(statusSummary ? { statusSummary } : {}) })
    },
    /** Sets the result of a stage of the newest execution. */
    pass(stage: string, status: string) {
      newestOf(executions).stages[stage] = status
    },
    /** Runs an execution of another user, with this result of the stage Deploy. Returns its id. */
    deploy(status: string) {
      const stages = { Source: 'Succeeded', Build: 'Succeeded', Deploy: status }
      return execute(executions, 'shop-delivery', { status, stages }).pipelineExecutionId
    },
  }),
})

/** Returns an execution in the form of GetPipelineExecution. */
function toResponse({ token: _, sourceRevisions: __, startTime: ___, stages: ____, ...fields }: Execution) {
  return fields
}

function noPipeline({ pipelines }: State, { name, pipelineName = name ?? '' }: Input): Reply | undefined {
  if (Object.hasOwn(pipelines, pipelineName)) return undefined
  return awsError(
    'PipelineNotFoundException',
    `The account with id '123456789012' does not include a pipeline with the name '${pipelineName}'`,
  )
}

function withExecution(state: State, input: Input, answer: (execution: Execution) => object): object | Reply {
  const missing = noPipeline(state, input)
  if (missing) return missing
  const id = input.pipelineExecutionId ?? input.filter?.pipelineExecutionId
  const execution = state.executions.find(({ pipelineExecutionId }) => pipelineExecutionId === id)
  return execution ? answer(execution) : noExecution(id)
}

function noExecution(id: string | undefined): Reply {
  return awsError('PipelineExecutionNotFoundException', `Pipeline execution ${id} cannot be found.`)
}

function start(
  { executions, pipelines }: State,
  {
    name,
    variables = [],
    sourceRevisions = [],
    clientRequestToken: token,
  }: {
    name: string
    variables?: { name: string; value: string }[]
    sourceRevisions?: Execution['sourceRevisions']
    clientRequestToken?: string
  },
): object | Reply {
  if (token !== undefined && !/^[a-zA-Z0-9-]{1,128}$/.test(token))
    return awsError('ValidationException', "Value at 'clientRequestToken' failed to satisfy constraint")
  const unknown = variables.find((variable) => !pipelines[name]?.includes(variable.name))
  if (unknown) return awsError('ValidationException', `Variable ${unknown.name} is not defined at the pipeline level.`)
  if (sourceRevisions.some(({ actionName }) => actionName !== 'Source'))
    return awsError('ValidationException', 'The source action is not in the pipeline')
  const earlier = token === undefined ? undefined : executions.find((execution) => execution.token === token)
  if (earlier) return { pipelineExecutionId: earlier.pipelineExecutionId }
  const revisionId = sourceRevisions[0]?.revisionValue
  const { pipelineExecutionId } = execute(executions, name, {
    ...(revisionId ? { artifactRevisions: [{ name: 'Source', revisionId, revisionSummary: 'Fix the cart' }] } : {}),
    variables: variables.map((variable) => ({ name: variable.name, resolvedValue: variable.value })),
    token,
    sourceRevisions,
  })
  return { pipelineExecutionId }
}

/** Starts an execution. */
function execute(executions: Execution[], pipelineName: string, fields: Partial<Execution>): Execution {
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
    ...fields,
  }
  executions.push(execution)
  return execution
}

function rollback(
  { stages, executions }: State,
  { pipelineName, stageName: stage, targetPipelineExecutionId: id }: Record<string, string>,
): object | Reply {
  if (!pipelineName || !stage || !id)
    return awsError('ValidationException', "Value at 'stageName' failed to satisfy constraint")
  if (!stages.includes(stage)) return awsError('StageNotFoundException', `The stage '${stage}' does not exist.`)
  const target = executions.find(
    (execution) => execution.pipelineName === pipelineName && execution.pipelineExecutionId === id,
  )
  if (!target) return noExecution(id)
  if (stage === stages[0] || target.executionType === 'ROLLBACK' || target.stages[stage] !== 'Succeeded')
    return awsError('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back to execution ${id}.`)
  if (lastIn(executions, stage)?.stages[stage] === 'InProgress')
    return awsError('UnableToRollbackStageException', `Stage ${stage} cannot be rolled back while it is in progress.`)
  const { pipelineExecutionId } = execute(executions, pipelineName, {
    executionType: 'ROLLBACK',
    rollbackMetadata: { rollbackTargetPipelineExecutionId: id },
    trigger: { triggerType: 'ManualRollback', triggerDetail: caller },
    artifactRevisions: target.artifactRevisions,
    stages: { [stage]: 'InProgress' },
  })
  return { pipelineExecutionId }
}

function lastIn(executions: Execution[], stage: string): Execution | undefined {
  return executions.findLast(({ stages }) => stage in stages)
}

function toState({ stages, executions }: State, pipelineName: string): object {
  const stageStates = stages.map((stageName) => {
    const last = lastIn(executions, stageName)
    if (!last) return { stageName }
    const { pipelineExecutionId, executionType: type, stages } = last
    return { stageName, latestExecution: { pipelineExecutionId, status: stages[stageName], type } }
  })
  return { pipelineName, pipelineVersion: 3, stageStates }
}

function list({ executions }: State, { pipelineName, filter, maxResults }: Input & { maxResults?: number }): object {
  const stage = filter?.succeededInStage?.stageName
  const found = executions.filter(
    (execution) => execution.pipelineName === pipelineName && (!stage || execution.stages[stage] === 'Succeeded'),
  )
  const summaries = found
    .toReversed()
    .slice(0, maxResults)
    .map((execution) => {
      const {
        pipelineName: _,
        pipelineVersion: __,
        artifactRevisions: ___,
        variables: ____,
        ...fields
      } = toResponse(execution)
      return { ...fields, startTime: execution.startTime }
    })
  return { pipelineExecutionSummaries: summaries }
}

function stop(execution: Execution): object | Reply {
  if (execution.status === 'Stopping')
    return awsError('DuplicatedStopRequestException', 'The pipeline execution is already in a Stopping state.')
  if (execution.status !== 'InProgress')
    return awsError('PipelineExecutionNotStoppableException', 'The pipeline execution is not in a stoppable state.')
  execution.status = 'Stopping'
  return { pipelineExecutionId: execution.pipelineExecutionId }
}
