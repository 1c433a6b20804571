import { type Case, casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const project = '/{organization}/{project}/_apis'
const start = `POST ${project}/pipelines/{pipelineId}/runs`
const list = `GET ${project}/build/builds`
const build = `${list}/{buildId}`
const timeline = `${build}/timeline`

type Example = Record<string, unknown>
/** The example says all that there may be. */
const as = (status: string, result: string) => ({
  body: (example: Example) => ({ ...example, id: 33, status, result, validationResults: [] }),
})
const running = as('inProgress', 'none')
const listed = (more: object) => ({ body: { count: 1, value: [{ id: 33, buildNumber: '20260101.1', ...more }] } })
const target = 'deploy'
const id = 'fabrikam/p#33'
const stops = casesOf('cancel', { id })
const builds = casesOf('trigger-build', { target })

const cancels: Case[] = [
  stops.passes('one that runs', 'Stopped run', { answers: { [build]: [running] } }),
  stops.passes('one that has ended', 'had ended already'),
]
const answers = { [build]: as('completed', 'succeeded') }
const run = driveProvider('ci-cd', 'azure-pipelines', {
  token: 'a-token-of-azure',
  project: 'fabrikam/p',
  keyParameter: 'key',
})

export const azurePipelines: Subject = {
  name: 'azure-pipelines',
  contract: 'azure-devops-pipelines',
  answers,
  cases: [
    { action: 'check', how: 'the credentials' },
    builds.passes('by name', 'ended as completed/succeeded'),
    builds.passes('by id', 'ended as completed/succeeded', { input: { target: '297', ref: 'main' } }),
    builds.passes('with parameters', 'ended', { input: { parameters: { stage: 'prod', replicas: 2 } } }),
    builds.passes('with variables', 'ended', {
      input: { parameters: { STAGE: 'prod' } },
      connection: { parametersAre: 'variables' },
    }),
    { action: 'trigger-deployment', how: 'without an event id', input: { target }, noKey: true, says: 'ended' },
    builds.passes('again', 'Run fabrikam/p#33 ended as completed/succeeded', {
      isRetry: true,
      answers: { [list]: [listed({ templateParameters: { key } })] },
    }),
    builds.passes('retry that finds only the run of another call', 'ended as completed/succeeded', {
      isRetry: true,
      answers: { [list]: [listed({ templateParameters: { key: 'of another call' } })], [start]: [{}] },
    }),
    builds.fails('that fails', 'stage "Test", job "Unit", task "npm test" failed: Bash exited with code 1.', {
      answers: { [build]: [running, as('completed', 'failed')], [timeline]: [{}, {}] },
    }),
    builds.fails('that is stopped', 'ended as completed/canceled', {
      stops: true,
      answers: { [build]: [as('completed', 'canceled')] },
    }),
    ...cancels,
  ],
  run,
}

/** Requests for builds, in their own contract. */
export const azureBuilds: Subject = {
  name: 'azure-pipelines',
  contract: 'azure-devops-build',
  answers,
  cases: cancels,
  run,
}
