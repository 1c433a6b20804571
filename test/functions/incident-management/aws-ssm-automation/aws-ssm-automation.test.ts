import { jobRow } from './fake.ts'
import '../../aws.ts'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { awsSsmAutomation } from '../../../../functions/incident-management/aws-ssm-automation/aws-ssm-automation.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { type ClientOptions, keyOf } from '../../helpers.ts'
import { runbookActions } from '../runbook.ts'
import { listedStates } from './states.ts'

const restart = { target: 'Restart-Checkout' }
const id = '4105a4fc-f944-11e6-9d32-000000000001'
const start = (input: object = {}, options?: ClientOptions) => connected().start({ ...restart, ...input }, options)
const execution = () => newestOf(server.state.executions)
const endWith = (change: object, input: object = restart) =>
  connected().endAfter(input, () => Object.assign(execution(), change))
const requestBodies = () => server.calls.map(({ body }) => body as Record<string, unknown>)

const role = 'arn:aws:iam::123456789012:role/runbooks'
const platform = jobRow
const { server, connected } = jobConformance(awsSsmAutomation, runbookActions, platform, {
  states: vendorStates(listedStates, {
    running: [
      'PendingApproval',
      'Approved',
      'RunbookInProgress',
      'PendingChangeCalendarOverride',
      'ChangeCalendarOverrideApproved',
    ],
    pass: ['CompletedWithSuccess'],
    fail: ['TimedOut', 'Rejected', 'CompletedWithFailure', 'ChangeCalendarOverrideRejected'],
    aborted: ['Exited'],
  }),
  invalidStarts: [
    {
      name: 'a value that Systems Manager replaces',
      input: { parameters: { Hosts: ['web1', '{{ssm:/shop/password}}'] } },
      message: 'input.parameters.Hosts must not contain {{',
    },
    { name: 'a short name', input: { target: 'a' }, message: 'input.target must be the name of a document' },
    { name: 'an invalid name', input: { target: 'x;y' }, message: 'input.target must be the name of a document' },
    { name: 'the version 0', input: { ref: '0' }, message: 'input.ref must be the version of a document' },
    { name: 'a branch', input: { ref: 'main' }, message: 'input.ref must be the version of a document' },
    { name: 'a project', input: { project: 'shop' }, message: 'input.project is not supported' },
    {
      name: 'another role',
      input: { parameters: { AutomationAssumeRole: 'arn:aws:iam::1:role/admin' } },
      message: 'input.parameters.AutomationAssumeRole is set by the connection',
      connection: { automationRoleArn: role },
    },
  ],
  url: `https://eu-west-1.console.aws.amazon.com/systems-manager/automation/execution/${id}?region=eu-west-1`,
  invalidIds: { ids: ['4711'], message: 'input.id' },
  check: ['GetAutomationExecution'],
  failedChecks: [
    {
      reason: 'ssm:GetAutomationExecution action. Allow it',
      change: withState({ denied: ['GetAutomationExecution'] }),
    },
  ],
  refused: [
    {
      name: 'an unknown document',
      input: { target: 'Unknown' },
      reason: 'NotFoundException to StartAutomationExecution: Automation definition',
    },
    {
      name: 'an unknown version',
      input: { ref: '9' },
      reason: 'VersionNotFoundException to StartAutomationExecution: Version 9 of Restart',
    },
    {
      name: 'an unknown parameter',
      input: { parameters: { Servise: 'x' } },
      reason: 'Parameters [Servise] are not defined in Restart-Check',
    },
    {
      name: 'an empty parameter',
      input: { parameters: { Service: '' } },
      reason: 'ValidationException to StartAutomationExecution: Value at',
    },
  ],
  waits: [
    {
      name: 'the end of others',
      change: withState({ maxExecutions: 0 }),
      reason: 'Concurrent executions exceed the limit.',
    },
  ],
  refusedPolls: [{ change: withState({ executions: [] }), reason: 'does not exist' }],
  sends: [
    { name: 'the newest version', input: { ref: '$LATEST' }, request: { body: { DocumentVersion: '$LATEST' } } },
    { name: 'a version', input: { ref: '2' }, request: { body: { DocumentVersion: '2' } } },
    {
      name: 'a role',
      input: { parameters: { AutomationAssumeRole: role } },
      request: { body: { Parameters: { AutomationAssumeRole: [role] } } },
    },
  ],
  refusedStops: [{ change: withState({ denied: ['StopAutomationExecution'] }), reason: 'ssm:StopAutomationExecution' }],
})

describe('AWS Systems Manager: start', () => {
  test('sends lists of texts, and the role of the connection', async () => {
    const parameters = { Service: 'checkout', Replicas: 3, Hosts: ['a', 'b', 7], Options: { drain: true } }
    await connected({ automationRoleArn: role }).start({ ...restart, parameters })
    expect(execution().Parameters).toMatchObject({
      Service: ['checkout'],
      Replicas: ['3'],
      Hosts: ['a', 'b', '7'],
      Options: ['{"drain":true}'],
      AutomationAssumeRole: [role],
    })
  })

  test('accepts the ARN of a document', async () => {
    const target = 'arn:aws:ssm:eu-west-1:123456789012:document/Restart-Checkout'
    Object.assign(server.state.documents, { [target]: server.state.documents[restart.target] })
    await start({ target })
    expect(execution().DocumentName).toBe(target)
  })

  test.each([
    ['0123456789abcdef0123456789abcdef01234567', '01234567-89ab-cdef-0123-456789abcdef'],
    [keyOf(1), expect.stringMatching(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)],
    [undefined, undefined],
  ])('sends the idempotency key %s as the UUID %s', async (key, token) => {
    await start({}, { key })
    expect(requestBodies()[0]?.['ClientToken']).toEqual(token)
  })
})

describe('AWS Systems Manager: getStatus', () => {
  test.each([
    [{}, 'step 2 of 2, Restart'],
    [{ StepExecutionsTruncated: true }, 'Restart'],
    [{ CurrentStepName: undefined }, undefined],
  ])('reports the current step of a running execution: %j', async (change, progress) => {
    const seen = await connected().pollAfter(restart, () => Object.assign(execution(), change))
    expect(seen).toMatchObject({ status: 'InProgress', progress })
  })

  test('maps every state of the SDK', () => {
    const types = new URL('../../../../node_modules/@aws-sdk/client-ssm/dist-types/models/enums.d.ts', import.meta.url)
    const declared = /const AutomationExecutionStatus: \{([^}]*)\}/.exec(readFileSync(types, 'utf8'))?.[1] ?? ''
    const states = [...declared.matchAll(/: "(\w+)"/g)].map(([, state]) => state)
    expect(states.length).toBeGreaterThan(15)
    expect(Object.keys(awsSsmAutomation.states).sort()).toEqual(states.sort())
  })

  test('returns outputs, and numbers among them as metrics', async () => {
    const Outputs = { 'Restart.Output': ['ok'], 'Restart.Seconds': ['42'], 'Restart.Empty': [''], Hosts: ['a', 'b'] }
    const input = { ...restart, thresholds: [{ metric: 'Restart.Seconds', op: '<', value: 40 }] }
    const { result, data } = await endWith({ AutomationExecutionStatus: 'Success', Outputs }, input)
    const outputs = { 'Restart.Output': 'ok', 'Restart.Seconds': '42', 'Restart.Empty': '', Hosts: 'a, b' }
    expect({ result, ...data }).toMatchObject({ result: 'fail', version: '4', outputs })
  })

  test('limits the size of the outputs', async () => {
    const entries = Array.from({ length: 40 }, (_, at) => [`output-${at}`, ['x'.repeat(2_000)]])
    const { data } = await endWith({ AutomationExecutionStatus: 'Success', Outputs: Object.fromEntries(entries) })
    expect(JSON.stringify(data).length).toBeLessThan(5_000)
    expect((data['outputs'] as Record<string, string>)['output-0']).toHaveLength(500)
  })

  const step = (StepStatus: string, FailureMessage: string) => ({
    StepExecutions: [
      { StepName: 'Drain', Action: 'aws:executeAwsApi', StepStatus: 'Success' },
      { StepName: 'Restart', Action: 'aws:runCommand', StepStatus, FailureMessage },
    ],
  })
  const reason = 'Step fails when it is Execute/Cancelling action. Command has failed.'
  test.each([
    ['Failed', { ...step('Failed', 'Command has failed.'), FailureMessage: reason }, `step Restart Failed: ${reason}`],
    ['TimedOut', step('TimedOut', 'No answer.'), 'step Restart TimedOut: No answer.'],
  ])('reports which step is %s with the reason from AWS', async (AutomationExecutionStatus, change, found) => {
    const { message, data } = await endWith({ AutomationExecutionStatus, ...change })
    expect(message).toBe(`Execution ${id} ended as ${AutomationExecutionStatus}: ${found}`)
    expect(data).toMatchObject({ failingStep: 'Restart' })
  })
})

test('AWS Systems Manager: a stop cancels an execution', async () => {
  await start()
  await connected().stop({ id })
  expect(requestBodies()).toContainEqual({ AutomationExecutionId: id, Type: 'Cancel' })
})
