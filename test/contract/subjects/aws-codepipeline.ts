import '../../functions/aws.ts'
import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const codePipeline = (operation: string) => `POST /#X-Amz-Target=CodePipeline_20150709.${operation}`
const start = codePipeline('StartPipelineExecution')
const get = codePipeline('GetPipelineExecution')
const list = codePipeline('ListActionExecutions')

const execution = '11111111-abcd-2222-ef01-333333333333'
const id = `checkout-deploy#${execution}`
type Example = { pipelineExecution: Record<string, unknown> }
const as = (status: string) => ({
  body: ({ pipelineExecution }: Example) => ({ pipelineExecution: { ...pipelineExecution, status } }),
})
const act = (status: string, more: object = {}) => ({
  body: {
    actionExecutionDetails: [
      {
        pipelineExecutionId: execution,
        ...{ stageName: 'Deploy', actionName: 'Service', status },
        ...{ startTime: 1_700_000_000, lastUpdateTime: 1_700_000_061 },
        ...more,
      },
    ],
  },
})
const output = { executionResult: { errorDetails: { code: 'JobFailed', message: 'no capacity' } } }
const input = { target: 'checkout-deploy' }

const builds = casesOf('trigger-deployment', input)
const stops = casesOf('cancel', { id })
const rollbacks = casesOf('rollback', input)

export const awsCodePipeline: Subject = {
  name: 'aws-codepipeline',
  contract: 'aws-codepipeline',
  answers: { [list]: act('Succeeded') },
  cases: [
    { action: 'check', how: 'the role' },
    builds.passes('of a pipeline', `Execution ${id} ended as Succeeded`),
    builds.passes('of a revision, with variables', 'Succeeded', {
      input: { ref: `Source:${'7e2b'.repeat(10)}`, parameters: { STAGE: 'prod', REPLICAS: 3 } },
    }),
    { action: 'trigger-build', how: 'again', input, isRetry: true, says: 'Succeeded' },
    builds.passes('without an event id', 'Succeeded', { noKey: true }),
    builds.fails('that fails', 'action Deploy/Service failed: JobFailed: no capacity', {
      answers: { [get]: [as('InProgress'), as('Failed')], [list]: [act('InProgress'), act('Failed', { output })] },
    }),
    builds.fails('that is stopped', 'ended as Stopped', {
      stops: true,
      answers: { [get]: [as('Stopping'), as('Stopped')] },
    }),
    builds.fails('refused', 'no such', {
      answers: { [start]: [{ status: 400, body: { __type: 'PipelineNotFoundException', message: 'no such' } }] },
    }),
    stops.passes('one that runs', 'Stopped execution', {
      answers: { [get]: [as('InProgress'), as('Stopping'), as('Stopped')] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('ci-cd', 'aws-codepipeline', { region: 'eu-west-1' }),
}

const rollback = codePipeline('RollbackStage')
const state = codePipeline('GetPipelineState')
const executions = codePipeline('ListPipelineExecutions')
const earlier = '22222222-abcd-2222-ef01-333333333333'
const backTo = (targets: [id: string, executionType: string][]) => ({
  body: {
    pipelineExecutionSummaries: targets.map(([pipelineExecutionId, executionType], place) => ({
      ...{ pipelineExecutionId, executionType, status: 'Succeeded', startTime: 1_700_000_000 - place },
    })),
  },
})
const last = (type: string) => ({
  body: {
    stageStates: [
      { stageName: 'Deploy', latestExecution: { pipelineExecutionId: execution, status: 'Succeeded', type } },
    ],
  },
})
const stage = { parameters: { stage: 'Deploy' } }

/** The same in another category, where it goes back as well. */
export const awsCodePipelineRollback: Subject = {
  name: 'aws-codepipeline',
  contract: 'aws-codepipeline',
  answers: {
    [list]: act('Succeeded'),
    [state]: last('STANDARD'),
    [rollback]: { body: { pipelineExecutionId: execution } },
    [executions]: backTo([
      [execution, 'STANDARD'],
      [earlier, 'STANDARD'],
    ]),
  },
  cases: [
    { action: 'check', how: 'the role' },
    { action: 'run-job', how: 'of a pipeline', input, says: 'Succeeded' },
    { action: 'run-runbook', how: 'of a pipeline', input, says: 'Succeeded' },
    { action: 'stop-runbook', how: 'one that has ended', input: { id }, says: 'had ended already' },
    rollbacks.passes('to what was before', `Rollback ${id} ended`, { input: { ...stage } }),
    rollbacks.passes('to what was before a rollback', 'Succeeded', {
      input: { ...stage },
      answers: {
        [state]: [last('ROLLBACK')],
        [get]: [
          {
            body: ({ pipelineExecution }: Example) => ({
              pipelineExecution: {
                ...pipelineExecution,
                executionType: 'ROLLBACK',
                rollbackMetadata: { rollbackTargetPipelineExecutionId: earlier },
              },
            }),
          },
        ],
        [executions]: [
          backTo([
            [execution, 'ROLLBACK'],
            [earlier, 'STANDARD'],
            ['33333333-abcd-2222-ef01-333333333333', 'STANDARD'],
          ]),
        ],
      },
    }),
    rollbacks.passes('to an execution', 'Succeeded', { input: { ...stage, ref: earlier } }),
    rollbacks.fails('outcome unknown', 'is unknown whether', { input: { ...stage }, isRetry: true }),
    rollbacks.fails('refused', 'is running', {
      input: { ...stage, ref: earlier },
      answers: {
        [rollback]: [{ status: 400, body: { __type: 'UnableToRollbackStageException', message: 'is running' } }],
      },
    }),
  ],
  run: driveProvider('remediation', 'aws-codepipeline', { region: 'eu-west-1' }),
}
