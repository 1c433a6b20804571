import '../../functions/aws.ts'
import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const stepFunctions = (operation: string) => `POST /#X-Amz-Target=AWSStepFunctions.${operation}`
const machine = stepFunctions('DescribeStateMachine')
const start = stepFunctions('StartExecution')
const describe = stepFunctions('DescribeExecution')
const history = stepFunctions('GetExecutionHistory')

const arn = 'arn:aws:states:eu-west-1:123456789012'
const target = `${arn}:stateMachine:remediate`
const id = `${arn}:execution:remediate:8f018bc0`
type Example = Record<string, unknown>
const as = (fields: object) => ({ body: (example: Example) => ({ ...example, ...fields }) })
const running = as({ status: 'RUNNING', stopDate: undefined, output: undefined })
const failed = as({ status: 'FAILED', output: undefined, error: 'ModelError', cause: 'The loss is not a number.' })
const stopped = as({ status: 'ABORTED', output: undefined, error: 'Stopped' })
const events = {
  body: {
    events: [
      { id: 3, previousEventId: 2, type: 'ExecutionFailed', timestamp: 1_700_000_030 },
      {
        ...{ id: 2, previousEventId: 1, type: 'TaskStateEntered', timestamp: 1_700_000_001 },
        stateEnteredEventDetails: { name: 'Train' },
      },
    ],
  },
}

const starts = casesOf('start-model', { target })
const stops = casesOf('stop-model', { id })

export const awsStepFunctions: Subject = {
  name: 'aws-step-functions',
  contract: 'aws-stepfunctions',
  answers: { [history]: events },
  cases: [
    { action: 'check', how: 'the role' },
    { action: 'check', how: 'the role, and a state machine', connection: { target } },
    starts.passes('of a state machine', `Execution ${id} ended as SUCCEEDED`),
    starts.passes('of an alias, with parameters', 'SUCCEEDED', {
      input: { ref: 'PROD', parameters: { service: 'checkout', trials: 20 } },
      answers: { [describe]: [running, as({ output: '{"p95":312}' })] },
    }),
    starts.passes('again', 'SUCCEEDED', { isRetry: true }),
    starts.passes('again, when it has ended', `Execution ${arn}:execution:remediate:${key} ended as SUCCEEDED`, {
      isRetry: true,
      answers: { [start]: [{ status: 400, body: { __type: 'ExecutionAlreadyExists', message: 'It is there' } }] },
    }),
    starts.passes('without an event id', 'SUCCEEDED', { noKey: true }),
    starts.fails('that fails', 'in state Train: ModelError: The loss is not a number.', {
      answers: { [describe]: [running, failed] },
    }),
    starts.fails('that is stopped', 'ended as ABORTED: Stopped', { stops: true, answers: { [describe]: [stopped] } }),
    starts.fails('of an express state machine', 'has the type EXPRESS', {
      answers: { [machine]: [as({ type: 'EXPRESS' })] },
    }),
    starts.fails('refused', 'no such', {
      answers: { [start]: [{ status: 400, body: { __type: 'StateMachineDoesNotExist', message: 'no such' } }] },
    }),
    stops.passes('one that runs', 'Stopped execution', { answers: { [describe]: [running, stopped] } }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('optimization', 'aws-step-functions', { region: 'eu-west-1' }),
}
