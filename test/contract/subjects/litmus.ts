import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const api = 'POST /api/query'
const login = 'POST /auth/login'
const start = { example: 'runChaosExperiment' }
const stop = { example: 'stopExperimentRuns' }

type Example = { data: { getExperimentRun: Record<string, unknown> } }
const as = (phase: string, more: object = {}) => ({
  example: 'getExperimentRun',
  body: ({ data }: Example) => ({ data: { getExperimentRun: { ...data.getExperimentRun, phase, ...more } } }),
})
/** Until its agent has taken it. */
const queued = as('Queued', { experimentRunID: '', resiliencyScore: 0, faultsPassed: null, totalFaults: null })
const error = (message: string) => ({ example: 'error', body: { data: null, errors: [{ message }] } })
const notShown = error('no matching experiment run')

const id = 'p1/a1b2#5f2c3d1e-1b2c-4d5e-8f90-123456789abc'
const asUser = { token: undefined, username: 'robot', password: 'a-password-of-litmus' }

const starts = casesOf('start-test', { target: 'a1b2' })
const stops = casesOf('stop-test', { id })

export const litmus: Subject = {
  name: 'litmus',
  contract: 'litmus',
  cases: [
    { action: 'check', how: 'the credentials', answers: { [api]: [notShown] } },
    {
      action: 'check',
      how: 'the credentials of a user',
      connection: asUser,
      answers: { [login]: [{}], [api]: [notShown] },
    },
    starts.passes('to completion', `Experiment run ${id} ended as Completed`, {
      answers: { [api]: [start, notShown, queued, as('Running'), as('Completed')] },
    }),
    starts.passes('without an event id', id, { noKey: true, answers: { [api]: [start, as('Completed')] } }),
    starts.fails('whose probes failed', 'resiliencyScore is 50, not >= 100', {
      answers: { [api]: [start, as('Completed', { resiliencyScore: 50, faultsPassed: 0, faultsFailed: 1 })] },
    }),
    starts.fails('that breaks', 'ended as Error', { answers: { [api]: [start, as('Error')] } }),
    starts.fails('refused', 'auth gRPC - Unauthorized', {
      answers: { [api]: [error('permission_denied: rpc error: code = Unknown desc = auth gRPC - Unauthorized')] },
    }),
    starts.fails('with a token that was revoked', 'Token is revoked', { answers: { [api]: [{ status: 401 }] } }),
    starts.fails('again', 'was not retried', { isRetry: true }),
    starts.fails('that is stopped', 'ended as Stopped', {
      stops: true,
      answers: { [api]: [start, as('Running'), stop, as('Stopped')] },
    }),
    stops.passes('one that runs', `Stopped experiment run ${id} (Stopped)`, {
      answers: { [api]: [as('Running'), as('Running'), stop, as('Running'), as('Stopped')] },
    }),
    stops.fails('one that its agent has not taken yet', 'before its agent accepts it', {
      answers: { [api]: [queued, queued] },
    }),
    stops.passes('one that has ended', 'had ended already', { answers: { [api]: [as('Completed')] } }),
  ],
  run: driveProvider('chaos-testing', 'litmus', { token: 'a-token-of-litmus', project: 'p1', allow: ['a1b2'] }),
}
