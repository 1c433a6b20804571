import { type Case, key, type Subject } from '../cases.ts'
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
const action = 'trigger-build'
const id = 'fabrikam/p#33'
const cancels: Case[] = [
  { action: 'cancel', how: 'one that runs', input: { id }, answers: { [build]: [running] }, says: 'Stopped run' },
  { action: 'cancel', how: 'one that has ended', input: { id }, says: 'had ended already' },
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
    { action, how: 'by name', input: { target }, says: 'ended as completed/succeeded' },
    { action, how: 'by id', input: { target: '297', ref: 'main' }, says: 'ended as completed/succeeded' },
    { action, how: 'with parameters', input: { target, parameters: { stage: 'prod', replicas: 2 } }, says: 'ended' },
    {
      action,
      how: 'with variables',
      input: { target, parameters: { STAGE: 'prod' } },
      connection: { parametersAre: 'variables' },
      says: 'ended',
    },
    { action: 'trigger-deployment', how: 'without an event id', input: { target }, noKey: true, says: 'ended' },
    {
      action,
      how: 'again',
      input: { target },
      isRetry: true,
      answers: { [list]: [listed({ templateParameters: { key } })] },
      says: 'Run fabrikam/p#33 ended as completed/succeeded',
    },
    {
      action,
      how: 'retry that finds only the run of another call',
      input: { target },
      isRetry: true,
      answers: { [list]: [listed({ templateParameters: { key: 'of another call' } })], [start]: [{}] },
      says: 'ended as completed/succeeded',
    },
    {
      action,
      how: 'that fails',
      input: { target },
      answers: { [build]: [running, as('completed', 'failed')], [timeline]: [{}, {}] },
      refused: true,
      says: 'stage "Test", job "Unit", task "npm test" failed: Bash exited with code 1.',
    },
    {
      action,
      how: 'that is stopped',
      input: { target },
      stops: true,
      answers: { [build]: [as('completed', 'canceled')] },
      refused: true,
      says: 'ended as completed/canceled',
    },
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
