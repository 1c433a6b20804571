import '../aws.ts'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/incident-management/actions.ts'
import { awsSsmAutomation } from '../../../functions/incident-management/providers/aws-ssm-automation.ts'
import { type SsmServer, startSsm } from '../../../infra/platforms/aws-ssm.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import type { Run, StartJob } from '../../../shared/providers/job.ts'
import { clientOf, failureOf, keyOf } from '../helpers.ts'

let server: SsmServer
beforeEach(async () => {
  server = await startSsm()
})
afterEach(() => server.close())

const runbook = actions['run-runbook']
const { job } = runbook
if (!job) throw new Error('A runbook is followed')

type Options = Parameters<typeof clientOf>[2] & { role?: string }
const restart = { target: 'Restart-Checkout' }
const client = ({ role, ...options }: Options = {}) =>
  clientOf(
    awsSsmAutomation,
    { endpoint: server.url, region: 'eu-west-1', ...(role ? { automationRoleArn: role } : {}) },
    options,
  )
const start = (input: object = {}, options?: Options) =>
  runbook.run(awsSsmAutomation, client(options), { ...restart, ...input } as StartJob) as Promise<StartedJob>
const getStatus = async (started: StartedJob): Promise<PollResult> =>
  job.getStatus(awsSsmAutomation, client(), restart as StartJob, started.job)
const execution = (at = 0) => {
  const found = server.state.executions[at]
  if (!found) throw new Error(`No execution ${at}`)
  return found
}
const requestBodies = () => server.calls.map(({ body }) => body as Record<string, unknown>)
const check = (input: object, connection: object = {}) =>
  runbook.complete(input as StartJob, {
    event: { data: {} } as never,
    connection: connection as never,
    provider: awsSsmAutomation,
  })

describe('AWS Systems Manager: connection', () => {
  test('the connection test reads an execution that does not exist', async () => {
    await awsSsmAutomation.check(client())
    expect(server.operations()).toEqual(['GetAutomationExecution'])
  })

  test('reports the permission to allow', async () => {
    server.state.denied = ['GetAutomationExecution']
    const { kind, message } = await failureOf(Promise.resolve(awsSsmAutomation.check(client())))
    expect(kind).toBe('refused')
    expect(message).toBe(
      'AWS Systems Manager answered AccessDeniedException to GetAutomationExecution: User: arn:aws:sts::123456789012:assumed-role/webhooks/function is not authorized to perform: ssm:GetAutomationExecution on resource: * because no identity-based policy allows the ssm:GetAutomationExecution action. Allow it under awsProviders in cdk.json, and deploy.',
    )
  })

  test('has a default runbook', () => {
    expect(check({}, { target: 'Restart-Checkout' })).toMatchObject({ target: 'Restart-Checkout' })
  })
})

describe('AWS Systems Manager: invalid input', () => {
  test.each([
    [{ target: 'a' }, {}, 'input.target must be the name of a document'],
    [{ target: 'x;y' }, {}, 'input.target must be the name of a document'],
    [{ ...restart, ref: '0' }, {}, 'input.ref must be the version of a document'],
    [{ ...restart, ref: 'main' }, {}, 'input.ref must be the version of a document'],
    [{ ...restart, project: 'shop' }, {}, 'input.project is not supported'],
    [
      { ...restart, parameters: { AutomationAssumeRole: 'arn:aws:iam::1:role/admin' } },
      { automationRoleArn: 'arn:aws:iam::1:role/runbooks' },
      'input.parameters.AutomationAssumeRole is set by the connection',
    ],
  ])('rejects %j', async (input, connection, message) => {
    const failure = await failureOf(Promise.resolve().then(() => check(input, connection)))
    expect(failure.kind).toBe('invalid')
    expect(failure.message).toContain(message)
    expect(failure.errors).toHaveLength(1)
  })

  test.each([
    { target: 'arn:aws:ssm:eu-west-1:123456789012:document/Restart-Checkout' },
    { ...restart, ref: '$LATEST' },
    { ...restart, ref: '12' },
    { ...restart, parameters: { AutomationAssumeRole: 'arn:aws:iam::1:role/runbooks' } },
  ])('accepts %j', (input) => {
    expect(check(input)).toMatchObject(input)
  })
})

describe('AWS Systems Manager: start', () => {
  test('runs a version of a runbook with parameters and the role of the connection', async () => {
    const parameters = {
      Service: 'checkout',
      Replicas: 3,
      Hosts: ['a', 'b', 7],
      Options: { drain: true },
      AutomationAssumeRole: null,
    }
    const { outcome, job: pending } = await start(
      { ref: '2', parameters },
      { role: 'arn:aws:iam::123456789012:role/runbooks' },
    )
    const id = '4105a4fc-f944-11e6-9d32-000000000001'
    const url = `https://eu-west-1.console.aws.amazon.com/systems-manager/automation/execution/${id}?region=eu-west-1`
    expect(outcome).toMatchObject({
      result: 'warning',
      message: `Started execution ${id}. It is still running: use mode=interactive to wait`,
      data: { id, url, state: 'started' },
      links: { [`aws-systems-manager ${id}`]: url },
    })
    expect(pending).toMatchObject({ id, url })
    expect(execution()).toMatchObject({
      DocumentVersion: '2',
      Parameters: {
        Service: ['checkout'],
        Replicas: ['3'],
        Hosts: ['a', 'b', '7'],
        Options: ['{"drain":true}'],
        AutomationAssumeRole: ['arn:aws:iam::123456789012:role/runbooks'],
      },
    })
  })

  test('sends the idempotency key as a UUID', async () => {
    await start()
    await start({}, { key: undefined })
    await start({}, { key: undefined })
    expect(requestBodies().map(({ ClientToken: token }) => token)).toEqual([
      '00000000-0100-0000-0001-000000000100',
      undefined,
      undefined,
    ])
    expect(server.state.executions).toHaveLength(3)
    await start({}, { key: '0123456789abcdef0123456789abcdef01234567' })
    expect(requestBodies().at(-1)?.['ClientToken']).toBe('01234567-89ab-cdef-0123-456789abcdef')
  })

  test('omits fields without a value', async () => {
    await start()
    expect(Object.keys(requestBodies()[0] ?? {}).sort()).toEqual(['ClientToken', 'DocumentName', 'Parameters'])
  })

  test('a repeated call returns the same execution, also after a lost response', async () => {
    server.loseNext('StartAutomationExecution')
    const lost = await failureOf(start())
    expect([lost.kind, lost.mayHaveWritten]).toEqual(['platform', true])
    expect(lost.message).toContain(
      'AWS Systems Manager could not be reached: socket hang up (StartAutomationExecution).',
    )
    const again = await start({}, { isRetry: true })
    expect(again.outcome.data['id']).toBe(execution().AutomationExecutionId)
    expect(server.state.executions).toHaveLength(1)
  })

  test('reports the message of AWS if a repeated call differs', async () => {
    await start()
    const { kind, message } = await failureOf(start({ parameters: { Service: 'cart' } }))
    expect([kind, message]).toEqual([
      'refused',
      expect.stringContaining('The client token was used with other parameters.'),
    ])
  })

  test.each([
    [{ target: 'Unknown' }, 'AutomationDefinitionNotFoundException', 'Automation definition Unknown was not found.'],
    [{ ref: '9' }, 'AutomationDefinitionVersionNotFoundException', 'Version 9 of Restart-Checkout was not found.'],
    [
      { parameters: { Servise: 'x' } },
      'InvalidAutomationExecutionParametersException',
      'Parameters [Servise] are not defined in Restart-Checkout.',
    ],
    [{ parameters: { Service: '' } }, 'ValidationException', "Value at 'parameters' failed"],
  ])('reports the message of AWS for %j', async (input, name, words) => {
    const { kind, message, mayHaveWritten } = await failureOf(start(input))
    expect([kind, mayHaveWritten]).toEqual(['refused', false])
    expect(message).toContain(`AWS Systems Manager answered ${name} to StartAutomationExecution: ${words}`)
  })

  test('can be retried while too many executions run', async () => {
    server.state.maxExecutions = 0
    const { kind, transient, mayHaveWritten, message } = await failureOf(start())
    expect([kind, transient, mayHaveWritten]).toEqual(['platform', true, false])
    expect(message).toContain('Concurrent executions exceed the limit.')
  })

  test('reports how long to wait after throttling', async () => {
    const headers = { 'retry-after': '7' }
    server.failNext(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }, { headers })
    const { transient, retryAfter, mayHaveWritten } = await failureOf(start())
    expect([transient, retryAfter, mayHaveWritten]).toEqual([true, 7, false])
  })

  test('reports a possible start after an AWS error', async () => {
    server.failNext(500, { __type: 'InternalServerError', Message: 'An error occurred.' }, { done: true })
    const { transient, mayHaveWritten, message } = await failureOf(start())
    expect([transient, mayHaveWritten]).toEqual([true, true])
    expect(message).toContain('AWS Systems Manager answered InternalServerError to StartAutomationExecution: An error')
  })
})

describe('AWS Systems Manager: getStatus', () => {
  const ended = async (change: Partial<ReturnType<typeof execution>>) => {
    const started = await start()
    Object.assign(execution(), change)
    const seen = await getStatus(started)
    if (!('outcome' in seen)) throw new Error(`The execution is still running: ${seen.status}`)
    return seen.outcome
  }

  test('reports the current step of a running execution', async () => {
    const started = await start()
    expect(await getStatus(started)).toMatchObject({ status: 'InProgress', progress: 'step 2 of 2, Restart' })
    execution().StepExecutionsTruncated = true
    expect(await getStatus(started)).toMatchObject({ progress: 'Restart' })
    delete execution().CurrentStepName
    expect(await getStatus(started)).toMatchObject({ progress: undefined })
  })

  test.each([
    ['Success', 'succeeded', 'pass'],
    ['CompletedWithSuccess', 'succeeded', 'pass'],
    ['Failed', 'succeeded', 'fail'],
    ['TimedOut', 'succeeded', 'fail'],
    ['Rejected', 'succeeded', 'fail'],
    ['CompletedWithFailure', 'succeeded', 'fail'],
    ['ChangeCalendarOverrideRejected', 'succeeded', 'fail'],
    ['Cancelled', 'aborted', 'fail'],
    ['Exited', 'aborted', 'fail'],
  ])('%s is %s, %s', async (AutomationExecutionStatus, status, result) => {
    expect(await ended({ AutomationExecutionStatus })).toMatchObject({ status, result })
  })

  test('maps every state of the SDK', () => {
    const types = new URL('../../../node_modules/@aws-sdk/client-ssm/dist-types/models/enums.d.ts', import.meta.url)
    const declared = /const AutomationExecutionStatus: \{([^}]*)\}/.exec(readFileSync(types, 'utf8'))?.[1] ?? ''
    const states = [...declared.matchAll(/: "(\w+)"/g)].map(([, state]) => state)
    expect(states.length).toBeGreaterThan(15)
    expect(Object.keys(awsSsmAutomation.states).sort()).toEqual(states.sort())
  })

  test('returns outputs, and numbers among them as metrics', async () => {
    const started = await start()
    Object.assign(execution(), {
      AutomationExecutionStatus: 'Success',
      Outputs: {
        'Restart.Output': ['ok'],
        'Restart.Seconds': ['42'],
        'Restart.Empty': [''],
        'Restart.Hosts': ['a', 'b'],
      },
    })
    const input = { ...restart, thresholds: [{ metric: 'Restart.Seconds', op: '<', value: 40 }] } as StartJob
    const seen = await job.getStatus(awsSsmAutomation, client(), input, started.job)
    expect(seen).toMatchObject({
      outcome: {
        result: 'fail',
        data: {
          state: 'Success',
          version: '4',
          outputs: { 'Restart.Output': 'ok', 'Restart.Seconds': '42', 'Restart.Empty': '', 'Restart.Hosts': 'a, b' },
        },
      },
    })
  })

  test('limits the size of the outputs', async () => {
    const { data } = await ended({
      AutomationExecutionStatus: 'Success',
      Outputs: Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`output-${at}`, ['x'.repeat(2_000)]])),
    })
    expect(JSON.stringify(data).length).toBeLessThan(5_000)
    expect((data['outputs'] as Record<string, string>)['output-0']).toHaveLength(500)
  })

  test('reports which step failed with the reason from AWS', async () => {
    const { message, data } = await ended({
      AutomationExecutionStatus: 'Failed',
      FailureMessage: 'Step fails when it is Execute/Cancelling action. Command has failed.',
      StepExecutions: [
        { StepName: 'Drain', Action: 'aws:executeAwsApi', StepStatus: 'Success' },
        { StepName: 'Restart', Action: 'aws:runCommand', StepStatus: 'Failed', FailureMessage: 'Command has failed.' },
      ],
    })
    expect(message).toBe(
      'Execution 4105a4fc-f944-11e6-9d32-000000000001 ended as Failed: step Restart Failed: Step fails when it is Execute/Cancelling action. Command has failed.',
    )
    expect(data).toMatchObject({ failingStep: 'Restart' })
  })

  test('reports the failure of a step if the execution has none', async () => {
    const step = { StepName: 'Restart', Action: 'aws:runCommand', StepStatus: 'TimedOut', FailureMessage: 'No answer.' }
    const { message } = await ended({ AutomationExecutionStatus: 'TimedOut', StepExecutions: [step] })
    expect(message).toContain('ended as TimedOut: step Restart TimedOut: No answer.')
  })

  test('reports an unknown execution', async () => {
    const started = await start()
    server.state.executions.length = 0
    const { kind, message } = await failureOf(getStatus(started))
    expect([kind, message]).toEqual(['refused', expect.stringContaining('does not exist')])
  })
})

describe('AWS Systems Manager: stop', () => {
  const stop = (started: StartedJob) => awsSsmAutomation.stop(client(), started.job as Run)

  test('cancels an execution', async () => {
    const started = await start()
    await stop(started)
    expect(requestBodies().at(-1)).toEqual({ AutomationExecutionId: execution().AutomationExecutionId, Type: 'Cancel' })
    expect(await getStatus(started)).toMatchObject({ outcome: { status: 'aborted' } })
  })

  test('does nothing if the execution has ended', async () => {
    const started = await start()
    execution().AutomationExecutionStatus = 'Success'
    await stop(started)
    expect(await getStatus(started)).toMatchObject({ outcome: { result: 'pass' } })
  })

  test('reports a missing permission', async () => {
    const started = await start()
    server.state.denied = ['StopAutomationExecution']
    expect((await failureOf(stop(started))).message).toContain('ssm:StopAutomationExecution')
  })

  test('accepts only the id of an execution', async () => {
    const { outcome } = await start()
    const id = String(outcome.data['id'])
    expect(awsSsmAutomation.parseRunId({ id })).toEqual({ id })
    expect((await failureOf(Promise.resolve().then(() => awsSsmAutomation.parseRunId({ id: '4711' })))).kind).toBe(
      'invalid',
    )
  })
})

test('AWS Systems Manager: two events start two executions', async () => {
  await start({}, { key: 'a'.repeat(40) })
  await start({}, { key: `b${keyOf(1).slice(1)}` })
  expect(server.state.executions).toHaveLength(2)
})
