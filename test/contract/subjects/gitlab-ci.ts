import { casesOf, key, type Subject } from '../cases.ts'
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

const builds = casesOf('trigger-build', input)
const stops = casesOf('cancel', { id })

export const gitlabCi: Subject = {
  name: 'gitlab-ci',
  contract: 'gitlab',
  cases: [
    { action: 'check', how: 'the credentials' },
    builds.passes('on a branch', 'ended as success'),
    { action, how: 'on the default branch', input: { project: '21' }, says: 'ended as success' },
    builds.passes('with variables', 'ended', { input: { parameters: { STAGE: 'prod', REPLICAS: 2 } } }),
    builds.passes('with inputs', 'ended', {
      input: { parameters: { stage: 'prod', replicas: 2 } },
      connection: { parametersAre: 'inputs', keyInput: 'key' },
    }),
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'ended' },
    builds.passes('again, with variables', 'Pipeline test-group/test-project#287 ended as success', {
      isRetry: true,
      answers: { [variables]: [{ body: [{ key: 'WEBHOOKS_KEY', variable_type: 'env_var', value: key }] }] },
    }),
    builds.passes('again, with inputs', 'Pipeline test-group/test-project#287 ended as success', {
      connection: { parametersAre: 'inputs', keyInput: 'key' },
      isRetry: true,
      answers: { [list]: [named(`Deploy ${key}`)] },
    }),
    builds.fails('that fails', 'job "rspec" of stage "test" failed (script_failure)', {
      answers: { [pipeline]: [as('created'), as('running'), as('failed')], [jobs]: [{}] },
    }),
    builds.fails('refused', 'base: Reference not found', {
      answers: { [create]: [{ status: 400, body: { message: { base: ['Reference not found'] } } }] },
    }),
    builds.passes('where the project forbids pipeline variables', 'ended as success', {
      answers: {
        [create]: [
          { status: 400, body: { message: { base: ['Insufficient permissions to set pipeline variables'] } } },
          {},
        ],
      },
    }),
    builds.fails('that is stopped', 'ended as canceled', { stops: true, answers: { [pipeline]: [as('canceled')] } }),
    stops.passes('one that runs', 'Stopped pipeline', {
      answers: { [pipeline]: [as('running'), as('canceling'), as('canceled')] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('ci-cd', 'gitlab-ci', { token: 'a-token-of-gitlab' }),
}
