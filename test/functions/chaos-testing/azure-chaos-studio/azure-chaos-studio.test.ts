import { describe, expect, test } from '@jest/globals'
import { azureChaosStudio } from '../../../../functions/chaos-testing/azure-chaos-studio/azure-chaos-studio.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { experimentActions } from '../../job-actions.ts'
import { failedOn, jobRow } from './fake.ts'

const group = { subscription: '6b052e15-03d3-4f17-b2e1-be7f07588291' }
const latency = `/subscriptions/${group.subscription}/resourceGroups/shop/providers/Microsoft.Chaos/experiments/latency`
const input = { target: 'latency' }
const idOf = (at: number) => server.state.executions.at(at)?.name
const cancels = () => server.calls.filter(({ path }) => path.endsWith('/cancel'))

const platform = jobRow
const { server, connected } = jobConformance(azureChaosStudio, experimentActions, platform, {
  states: {
    running: ['PreProcessingQueued', 'PreProcessing', 'WaitingToStart', 'Running', 'Canceling'],
    pass: ['Success'],
    errored: ['Failed', 'PreProcessingFailed'],
    aborted: ['Cancelled'],
  },
  otherStates: ['StartFailed'],
  unsupported: ['project', 'ref', 'parameters'],
  invalidStarts: [
    { name: 'an invalid name', input: { target: 'a%b' }, message: 'input.target must be the name of an experiment' },
  ],
  forbidden: [
    {
      name: 'another experiment',
      input: { target: 'wipe' },
      message: 'outside the blast radius',
      connection: { allow: ['latency'] },
    },
  ],
  refused: [
    { name: 'an unknown experiment', input: { target: 'other' }, reason: 'The resource was not found.' },
    // Azure forbids few characters in names.
    {
      name: 'an unknown name in another alphabet',
      input: { target: 'läßt (1)' },
      reason: 'experiments/l%C3%A4%C3%9Ft%20(1)/executions: The resource',
    },
  ],
  measures: { end: (fake) => fake.enter('Success'), metrics: { duration: 120 } },
  slowStop: { state: 'Canceling', change: withState({ cancelsLate: true }) },
  url: `https://portal.azure.com/#resource${latency}`,
  waits: [{ name: 'another execution', change: 'running', reason: 'The experiment is already running' }],
  reports: [
    { name: 'a status in any case', change: ({ enter }) => enter('RUNNING'), reported: { status: 'Running' } },
    {
      name: 'another word for success',
      change: ({ enter }) => enter('Succeeded'),
      reported: { result: 'pass', data: { state: 'Success' } },
    },
    { name: 'yet another word for success', change: ({ enter }) => enter('Completed'), reported: { result: 'pass' } },
    {
      name: 'another spelling of a cancellation',
      change: ({ enter }) => enter('Canceled'),
      reported: { status: 'aborted' },
    },
    {
      name: 'the fault that failed, and its error',
      change: ({ state, enter }) => {
        state.details = failedOn({ code: 'AuthorizationFailed', message: 'The identity lacks a role on vm-2' })
        enter('Failed')
      },
      reported: {
        status: 'errored',
        data: { failedAction: 'latency', duration: 120 },
        message: expect.stringContaining('One or more faults failed; latency: The identity lacks a role on vm-2'),
      },
    },
    {
      name: 'a fault that failed on a target without an error',
      change: ({ state, enter }) => {
        state.details = failedOn()
        enter('failed')
      },
      reported: { status: 'errored', message: expect.stringContaining('One or more faults failed; latency') },
    },
    {
      name: 'a failure whose details cannot be read',
      change: (fake) => {
        fake.failNext(403, {}, { on: ({ path }) => path.endsWith('/getExecutionDetails') })
        fake.enter('Failed')
      },
      reported: { status: 'errored' },
    },
  ],
  invalidIds: { ids: ['1', 'latency/1', 'a%b/12345678'], message: 'must be an execution such as <experiment>/' },
  checks: [{ connection: { target: 'latency' }, requests: [`GET ${latency}`] }],
  failedChecks: [
    {
      reason: 'its provisioning state is Failed',
      connection: { target: 'latency' },
      change: withState({ provisioningState: 'Failed' }),
    },
  ],
  ignored: /\/executions$/,
  refusal: (message) => ({ error: { code: 'BadRequest', message } }),
})

describe('Azure Chaos Studio', () => {
  test('finds its execution among earlier ones, also of several pages and without a start time', async () => {
    for (const name of ['a', 'b']) {
      const properties = { status: 'PreProcessingFailed' }
      server.state.executions.push({ name: `${name}-0000000`, properties })
    }
    server.state.pageSize = 2
    expect((await connected().start(input)).outcome.data['id']).toBe(`latency/${idOf(2)}`)
  })

  test('polls for an execution that is not listed yet, and can stop it', async () => {
    server.state.hiddenLists = 5
    const started = await connected().start(input)
    expect(started.outcome.data['id']).toBe('latency/new')
    expect(await connected().poll(started, input)).toMatchObject({ status: 'WaitingToStart' })
    server.state.hiddenLists = 0
    expect(await connected().poll(started, input)).toMatchObject({ job: { id: `latency/${idOf(-1)}` } })
    await connected().stopAtDeadline(started, input)
    expect(cancels()).toHaveLength(1)
  })

  test('a start that Azure accepts but cannot carry out ends as errored, with the reason', async () => {
    server.state.startError = { code: 'AuthorizationFailed', message: 'The identity lacks a role on vm-2' }
    const started = await connected().start(input)
    const outcome = await connected().end(started, input)
    expect(outcome).toMatchObject({ status: 'errored', data: { state: 'StartFailed' } })
    expect(outcome.message).toContain('The identity lacks a role on vm-2')
  })

  test.each([403, 404])('polls on if the operation of a start answers %d', async (status) => {
    server.state.startError = { code: 'Gone', message: 'Unknown' }
    const started = await connected().start(input)
    server.failNext(status, {}, { on: ({ path }) => path.includes('/operationStatuses/') })
    expect(await connected().poll(started, input)).toMatchObject({ status: 'WaitingToStart' })
  })

  test('an execution that has ended is not canceled, because another one may run', async () => {
    const first = await connected().start(input)
    server.enter('Success')
    await connected().start(input, { key: keyOf(2) })
    server.enter('Running')
    await connected().stopAtDeadline(first, input)
    expect(cancels()).toEqual([])
  })
})
