import { key, type Subject } from '../cases.ts'
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
const action = 'start-test'
const input = { target: guid }

export const gremlin: Subject = {
  name: 'gremlin',
  contract: 'gremlin',
  cases: [
    { action: 'check', how: 'the credentials' },
    { action, how: 'to completion', input, answers: ended, says: `run ${id} ended as Successful` },
    {
      action,
      how: 'with a hypothesis',
      input: { ...input, parameters: { hypothesis: 'It survives' } },
      answers: ended,
    },
    { action, how: 'of a team', input, connection: { project: 'a-team' }, answers: ended, says: 'ended' },
    { action, how: 'without an event id', input, noKey: true, answers: ended, says: 'ended' },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [list]: [{ body: { items: [{ run_number: 8, hypothesis: `x ${key}` }] } }], [one]: [as('Completed')] },
      says: `run ${guid}#8 ended as Completed`,
    },
    {
      action,
      how: 'that fails',
      input,
      answers: { [one]: [as('Failed', { failedReason: 'No targets matched' })] },
      refused: true,
      says: 'ended as Failed: No targets matched',
    },
    {
      action,
      how: 'that fails a step and has passed',
      input,
      answers: {
        [one]: [
          {
            body: (example: object) => ({ ...example, stage_info: { stage: 'Failed' }, results: { status: 'Passed' } }),
          },
        ],
      },
      says: 'ended as Failed/Passed',
    },
    { action, how: 'refused', input, answers: { [start]: [{ status: 404 }] }, refused: true, says: '404 to POST' },
    {
      action,
      how: 'that is halted',
      input,
      stops: true,
      answers: { [one]: [as('HaltRequested'), as('Halted')] },
      refused: true,
      says: 'ended as Halted',
    },
    {
      action: 'stop-test',
      how: 'one that is on',
      input: { id },
      answers: { [one]: [as('Running'), as('HaltRequested'), as('Halted')] },
      says: 'Stopped',
    },
    {
      action: 'stop-test',
      how: 'one that has ended',
      input: { id },
      answers: { [one]: [as('Successful')] },
      says: 'had ended already',
    },
  ],
  run: driveProvider('chaos-testing', 'gremlin', { token: 'a-key-of-gremlin', allow: [guid] }),
}
