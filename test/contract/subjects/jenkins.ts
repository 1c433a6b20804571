import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const job = 'GET /job/{job}/api/json'
const queue = 'GET /queue/api/json'
const place = 'GET /queue/item/{id}/api/json'
const build = 'GET /job/{job}/{number}/api/json'
const stages = 'GET /job/{job}/{number}/wfapi/describe'
const start = 'POST /job/{job}/buildWithParameters'
const startPlain = 'POST /job/{job}/build'

type Example = Record<string, unknown>
const changed = (more: object) => ({ body: (example: Example) => ({ ...example, ...more }) })
const queued = { status: 201, headers: { location: 'https://jenkins.example.com/queue/item/77/' } }
const waiting = changed({ executable: undefined, why: 'In the quiet period. Expires in 4.9 sec' })
const building = changed({ building: true, result: null })
const failed = changed({ result: 'FAILURE', _class: 'org.jenkinsci.plugins.workflow.job.WorkflowRun' })
const unkeyed = { body: { _class: 'hudson.model.FreeStyleProject', property: [{}] } }
const ours = [{ parameters: [{ name: 'KEY', value: key }] }]
const action = 'trigger-build'
const input = { target: 'deploy' }

export const jenkins: Subject = {
  name: 'jenkins',
  contract: 'jenkins',
  answers: {
    [start]: queued,
    [startPlain]: queued,
    'POST /queue/cancelItem': { status: 204 },
    'POST /job/{job}/{number}/stop': { status: 302, headers: { location: '/job/deploy/42/' } },
  },
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'with its defaults', input, says: 'Build deploy#42 ended as SUCCESS' },
    { action, how: 'with parameters', input: { ...input, parameters: { ENV: 'prod & more' } }, says: 'SUCCESS' },
    { action, how: 'without parameters', input, answers: { [job]: [unkeyed, unkeyed] }, says: 'SUCCESS' },
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'SUCCESS' },
    {
      action,
      how: 'that waits in the queue, and runs',
      input,
      answers: { [place]: [waiting, {}], [build]: [building] },
      says: 'SUCCESS',
    },
    {
      action,
      how: 'queue item that no longer exists',
      input,
      answers: { [place]: [{ status: 404 }] },
      says: 'Build deploy#42 ended as SUCCESS',
    },
    {
      action,
      how: 'again, in the queue',
      input,
      isRetry: true,
      answers: { [queue]: [{ body: { items: [{ id: 77, actions: ours }] } }] },
      says: 'SUCCESS',
    },
    {
      action,
      how: 'again, as a build',
      input,
      isRetry: true,
      answers: { [job]: [{ body: { builds: [{ number: 42, actions: ours }] } }] },
      says: 'SUCCESS',
    },
    {
      action,
      how: 'that fails',
      input,
      answers: { [build]: [failed], [stages]: [{}] },
      refused: true,
      says: 'ended as FAILURE: stage "Test" failed',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [build]: [changed({ result: 'ABORTED' })] },
      refused: true,
      says: 'ended as ABORTED',
    },
    {
      action: 'cancel',
      how: 'one in the queue',
      input: { id: 'deploy#queue-77' },
      answers: { [place]: [waiting, waiting, changed({ executable: undefined, cancelled: true })] },
      says: 'Stopped build deploy#queue-77 (CANCELLED)',
    },
    {
      action: 'cancel',
      how: 'one that runs',
      input: { id: 'deploy#42' },
      answers: { [build]: [building, changed({ result: 'ABORTED' })] },
      says: 'Stopped build deploy#42 (ABORTED)',
    },
    { action: 'cancel', how: 'one that has ended', input: { id: 'deploy#42' }, says: 'had ended already' },
  ],
  run: driveProvider('ci-cd', 'jenkins', { username: 'robot', token: 'a-token-of-jenkins', keyParameter: 'KEY' }),
}
