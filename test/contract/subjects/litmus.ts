import type { Subject } from '../cases.ts'
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

const action = 'start-test'
const input = { target: 'a1b2' }
const id = 'p1/a1b2#5f2c3d1e-1b2c-4d5e-8f90-123456789abc'
const asUser = { token: undefined, username: 'robot', password: 'a-password-of-litmus' }

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
    {
      action,
      how: 'to completion',
      input,
      answers: { [api]: [start, notShown, queued, as('Running'), as('Completed')] },
      says: `Experiment run ${id} ended as Completed`,
    },
    { action, how: 'without an event id', input, noKey: true, answers: { [api]: [start, as('Completed')] }, says: id },
    {
      action,
      how: 'whose probes failed',
      input,
      answers: { [api]: [start, as('Completed', { resiliencyScore: 50, faultsPassed: 0, faultsFailed: 1 })] },
      refused: true,
      says: 'resiliencyScore is 50, not >= 100',
    },
    {
      action,
      how: 'that breaks',
      input,
      answers: { [api]: [start, as('Error')] },
      refused: true,
      says: 'ended as Error',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [api]: [error('permission_denied: rpc error: code = Unknown desc = auth gRPC - Unauthorized')] },
      refused: true,
      says: 'auth gRPC - Unauthorized',
    },
    {
      action,
      how: 'with a token that was revoked',
      input,
      answers: { [api]: [{ status: 401 }] },
      refused: true,
      says: 'Token is revoked',
    },
    { action, how: 'again', input, isRetry: true, refused: true, says: 'was not retried' },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [api]: [start, as('Running'), stop, as('Stopped')] },
      refused: true,
      says: 'ended as Stopped',
    },
    {
      action: 'stop-test',
      how: 'one that runs',
      input: { id },
      answers: { [api]: [as('Running'), as('Running'), stop, as('Running'), as('Stopped')] },
      says: `Stopped experiment run ${id} (Stopped)`,
    },
    {
      action: 'stop-test',
      how: 'one that its agent has not taken yet',
      input: { id },
      answers: { [api]: [queued, queued] },
      refused: true,
      says: 'before its agent accepts it',
    },
    {
      action: 'stop-test',
      how: 'one that has ended',
      input: { id },
      answers: { [api]: [as('Completed')] },
      says: 'had ended already',
    },
  ],
  run: driveProvider('chaos-testing', 'litmus', { token: 'a-token-of-litmus', project: 'p1', allow: ['a1b2'] }),
}
