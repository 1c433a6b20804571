import '../../functions/aws.ts'
import { key, type Subject } from '../cases.ts'
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
const action = 'start-model'
const input = { target }

export const awsStepFunctions: Subject = {
  name: 'aws-step-functions',
  contract: 'aws-stepfunctions',
  answers: { [history]: events },
  cases: [
    { action: 'check', how: 'the role' },
    { action: 'check', how: 'the role, and a state machine', connection: { target } },
    { action, how: 'of a state machine', input, says: `Execution ${id} ended as SUCCEEDED` },
    {
      action,
      how: 'of an alias, with parameters',
      input: { ...input, ref: 'PROD', parameters: { service: 'checkout', trials: 20 } },
      answers: { [describe]: [running, as({ output: '{"p95":312}' })] },
      says: 'SUCCEEDED',
    },
    { action, how: 'again', input, isRetry: true, says: 'SUCCEEDED' },
    {
      action,
      how: 'again, when it has ended',
      input,
      isRetry: true,
      answers: { [start]: [{ status: 400, body: { __type: 'ExecutionAlreadyExists', message: 'It is there' } }] },
      says: `Execution ${arn}:execution:remediate:${key} ended as SUCCEEDED`,
    },
    { action, how: 'without an event id', input, noKey: true, says: 'SUCCEEDED' },
    {
      action,
      how: 'that fails',
      input,
      answers: { [describe]: [running, failed] },
      refused: true,
      says: 'in state Train: ModelError: The loss is not a number.',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [describe]: [stopped] },
      refused: true,
      says: 'ended as ABORTED: Stopped',
    },
    {
      action,
      how: 'of an express state machine',
      input,
      answers: { [machine]: [as({ type: 'EXPRESS' })] },
      refused: true,
      says: 'has the type EXPRESS',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [start]: [{ status: 400, body: { __type: 'StateMachineDoesNotExist', message: 'no such' } }] },
      refused: true,
      says: 'no such',
    },
    {
      action: 'stop-model',
      how: 'one that runs',
      input: { id },
      answers: { [describe]: [running, stopped] },
      says: 'Stopped execution',
    },
    { action: 'stop-model', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('optimization', 'aws-step-functions', { region: 'eu-west-1' }),
}
