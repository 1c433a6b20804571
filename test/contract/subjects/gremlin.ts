import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const one = 'GET /scenarios/{guid}/runs/{runNumber}'
const list = 'GET /v1/scenarios/{guid}/runs/paged'
const start = 'POST /scenarios/{guid}/runs'
const as = (stage: string, stageMetadata: object = {}) => ({
  body: (example: object) => ({ ...example, stage_info: { stage, stageMetadata } }),
})
const ended = { [one]: [as('NotStarted'), as('Active'), as('Successful')] }
const guid = '522ceaff-995f-43f4-acea-ff995f03f44e'
const id = `${guid}#7`

const starts = casesOf('start-test', { target: guid })
const stops = casesOf('stop-test', { id })

export const gremlin: Subject = {
  name: 'gremlin',
  contract: 'gremlin',
  cases: [
    { action: 'check', how: 'the credentials' },
    starts.passes('to completion', `run ${id} ended as Successful`, { answers: ended }),
    starts.passes('with a hypothesis', '', { input: { parameters: { hypothesis: 'It survives' } }, answers: ended }),
    starts.passes('of a team', 'ended', { connection: { project: 'a-team' }, answers: ended }),
    starts.passes('without an event id', 'ended', { noKey: true, answers: ended }),
    starts.passes('again', `run ${guid}#8 ended as Completed`, {
      isRetry: true,
      answers: { [list]: [{ body: { items: [{ run_number: 8, hypothesis: `x ${key}` }] } }], [one]: [as('Completed')] },
    }),
    starts.fails('that fails', 'ended as Failed: No targets matched', {
      answers: { [one]: [as('Failed', { failedReason: 'No targets matched' })] },
    }),
    starts.passes('that fails a step and has passed', 'ended as Failed/Passed', {
      answers: {
        [one]: [
          {
            body: (example: object) => ({ ...example, stage_info: { stage: 'Failed' }, results: { status: 'Passed' } }),
          },
        ],
      },
    }),
    starts.fails('refused', '404 to POST', { answers: { [start]: [{ status: 404 }] } }),
    starts.fails('that is halted', 'ended as Halted', {
      stops: true,
      answers: { [one]: [as('HaltRequested'), as('Halted')] },
    }),
    stops.passes('one that is on', 'Stopped', {
      answers: { [one]: [as('Running'), as('HaltRequested'), as('Halted')] },
    }),
    stops.passes('one that has ended', 'had ended already', { answers: { [one]: [as('Successful')] } }),
  ],
  run: driveProvider('chaos-testing', 'gremlin', { token: 'a-key-of-gremlin', allow: [guid] }),
}
