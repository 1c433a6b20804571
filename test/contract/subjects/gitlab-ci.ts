import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const create = 'POST /projects/{id}/pipeline'
const list = 'GET /projects/{id}/pipelines'
const pipeline = `${list}/{pipeline_id}`
const below = 'GET /api/v4/projects/{id}/pipelines/{pipeline_id}'
const variables = `${below}/variables`
const jobs = `${below}/jobs`

type Example = Record<string, unknown>
const as = (status: string) => ({ body: (example: Example) => ({ ...example, status }) })
const named = (name: string) => ({ body: (pipelines: Example[]) => pipelines.map((one) => ({ ...one, name })) })
const input = { project: 'test-group/test-project', ref: 'main' }
const action = 'trigger-build'
const id = 'test-group/test-project#287'

export const gitlabCi: Subject = {
  name: 'gitlab-ci',
  contract: 'gitlab',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'on a branch', input, says: 'ended as success' },
    { action, how: 'on the default branch', input: { project: '21' }, says: 'ended as success' },
    { action, how: 'with variables', input: { ...input, parameters: { STAGE: 'prod', REPLICAS: 2 } }, says: 'ended' },
    {
      action,
      how: 'with inputs',
      input: { ...input, parameters: { stage: 'prod', replicas: 2 } },
      connection: { parametersAre: 'inputs', keyInput: 'key' },
      says: 'ended',
    },
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'ended' },
    {
      action,
      how: 'again, with variables',
      input,
      isRetry: true,
      answers: { [variables]: [{ body: [{ key: 'WEBHOOKS_KEY', variable_type: 'env_var', value: key }] }] },
      says: 'Pipeline test-group/test-project#287 ended as success',
    },
    {
      action,
      how: 'again, with inputs',
      input,
      connection: { parametersAre: 'inputs', keyInput: 'key' },
      isRetry: true,
      answers: { [list]: [named(`Deploy ${key}`)] },
      says: 'Pipeline test-group/test-project#287 ended as success',
    },
    {
      action,
      how: 'that fails',
      input,
      answers: { [pipeline]: [as('created'), as('running'), as('failed')], [jobs]: [{}] },
      refused: true,
      says: 'job "rspec" of stage "test" failed (script_failure)',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [create]: [{ status: 400, body: { message: { base: ['Reference not found'] } } }] },
      refused: true,
      says: 'base: Reference not found',
    },
    {
      action,
      how: 'where the project forbids pipeline variables',
      input,
      answers: {
        [create]: [
          { status: 400, body: { message: { base: ['Insufficient permissions to set pipeline variables'] } } },
          {},
        ],
      },
      says: 'ended as success',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [pipeline]: [as('canceled')] },
      refused: true,
      says: 'ended as canceled',
    },
    {
      action: 'cancel',
      how: 'one that runs',
      input: { id },
      answers: { [pipeline]: [as('running'), as('canceling'), as('canceled')] },
      says: 'Stopped pipeline',
    },
    { action: 'cancel', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('ci-cd', 'gitlab-ci', { token: 'a-token-of-gitlab' }),
}
