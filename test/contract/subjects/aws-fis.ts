import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const start = 'POST /experiments'
const get = 'GET /experiments/{id}'
const stop = 'DELETE /experiments/{id}'

type Example = { experiment: Record<string, unknown> }
const as = (status: string, reason = `Experiment ${status}`, more: object = {}) => ({
  body: ({ experiment }: Example) => ({ experiment: { ...experiment, ...more, state: { status, reason } } }),
})
const alarm = 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-errors'
const stopConditions = [{ source: 'aws:cloudwatch:alarm', value: alarm }]
const action = 'start-test'
const input = { target: 'EXT1a2b3c4d5e6f7' }
const id = 'EXPabc123DEFghi'

export const awsFis: Subject = {
  name: 'aws-fis',
  contract: 'aws-fis',
  cases: [
    { action: 'check', how: 'the role', answers: { [get]: [{ status: 404, body: { message: 'no such' } }] } },
    {
      action,
      how: 'to completion',
      input,
      answers: { [get]: [as('initiating'), as('running'), {}] },
      says: `Experiment ${id} ended as completed`,
    },
    { action, how: 'as a preview', input: { ...input, parameters: { actionsMode: 'skip-all' } }, says: 'completed' },
    { action, how: 'again', input, isRetry: true, says: 'completed' },
    { action, how: 'without an event id', input, noKey: true, says: 'completed' },
    {
      action,
      how: 'that a stop condition ends',
      input,
      answers: { [get]: [as('stopped', 'Experiment halted by stop condition.', { stopConditions })] },
      refused: true,
      says: 'Experiment halted by stop condition. (alarms: checkout-errors)',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [get]: [as('stopping'), as('stopped')] },
      refused: true,
      says: 'ended as stopped',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [start]: [{ status: 404, body: { message: 'Experiment template does not exist.' } }] },
      refused: true,
      says: 'Experiment template does not exist.',
    },
    {
      action,
      how: 'while too many are on',
      input,
      answers: { [start]: [{ status: 402, body: { message: 'The quota is used up.' } }] },
      refused: true,
      says: 'cannot start EXT1a2b3c4d5e6f7 yet: The quota is used up.',
    },
    {
      action: 'stop-test',
      how: 'one that runs',
      input: { id },
      answers: { [get]: [as('running'), as('stopping'), as('stopped')] },
      says: 'Stopped experiment',
    },
    {
      action: 'stop-test',
      how: 'one that ends meanwhile',
      input: { id },
      answers: {
        [stop]: [{ status: 400, body: { message: 'It is not running.' } }],
        [get]: [as('running'), as('completed'), as('completed')],
      },
      says: 'Stopped experiment',
    },
    { action: 'stop-test', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('chaos-testing', 'aws-fis', { region: 'eu-west-1', allow: ['EXT*'] }),
}
