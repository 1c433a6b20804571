import { casesOf, key, type Subject } from '../cases.ts'
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
const input = { target: 'deploy' }

const builds = casesOf('trigger-build', input)
const stops = casesOf('cancel', { id: 'deploy#42' })

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
    builds.passes('with its defaults', 'Build deploy#42 ended as SUCCESS'),
    builds.passes('with parameters', 'SUCCESS', { input: { parameters: { ENV: 'prod & more' } } }),
    builds.passes('without parameters', 'SUCCESS', { answers: { [job]: [unkeyed, unkeyed] } }),
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'SUCCESS' },
    builds.passes('that waits in the queue, and runs', 'SUCCESS', {
      answers: { [place]: [waiting, {}], [build]: [building] },
    }),
    builds.passes('queue item that no longer exists', 'Build deploy#42 ended as SUCCESS', {
      answers: { [place]: [{ status: 404 }] },
    }),
    builds.passes('again, in the queue', 'SUCCESS', {
      isRetry: true,
      answers: { [queue]: [{ body: { items: [{ id: 77, actions: ours }] } }] },
    }),
    builds.passes('again, as a build', 'SUCCESS', {
      isRetry: true,
      answers: { [job]: [{ body: { builds: [{ number: 42, actions: ours }] } }] },
    }),
    builds.fails('that fails', 'ended as FAILURE: stage "Test" failed', {
      answers: { [build]: [failed], [stages]: [{}] },
    }),
    builds.fails('that is stopped', 'ended as ABORTED', {
      stops: true,
      answers: { [build]: [changed({ result: 'ABORTED' })] },
    }),
    stops.passes('one in the queue', 'Stopped build deploy#queue-77 (CANCELLED)', {
      input: { id: 'deploy#queue-77' },
      answers: { [place]: [waiting, waiting, changed({ executable: undefined, cancelled: true })] },
    }),
    stops.passes('one that runs', 'Stopped build deploy#42 (ABORTED)', {
      answers: { [build]: [building, changed({ result: 'ABORTED' })] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('ci-cd', 'jenkins', { username: 'robot', token: 'a-token-of-jenkins', keyParameter: 'KEY' }),
}
