import { casesOf, type Subject } from '../cases.ts'
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
const id = 'EXPabc123DEFghi'

const starts = casesOf('start-test', { target: 'EXT1a2b3c4d5e6f7' })
const stops = casesOf('stop-test', { id })

export const awsFis: Subject = {
  name: 'aws-fis',
  contract: 'aws-fis',
  cases: [
    { action: 'check', how: 'the role', answers: { [get]: [{ status: 404, body: { message: 'no such' } }] } },
    starts.passes('to completion', `Experiment ${id} ended as completed`, {
      answers: { [get]: [as('initiating'), as('running'), {}] },
    }),
    starts.passes('as a preview', 'completed', { input: { parameters: { actionsMode: 'skip-all' } } }),
    starts.passes('again', 'completed', { isRetry: true }),
    starts.passes('without an event id', 'completed', { noKey: true }),
    starts.fails('that a stop condition ends', 'Experiment halted by stop condition. (alarms: checkout-errors)', {
      answers: { [get]: [as('stopped', 'Experiment halted by stop condition.', { stopConditions })] },
    }),
    starts.fails('that is stopped', 'ended as stopped', {
      stops: true,
      answers: { [get]: [as('stopping'), as('stopped')] },
    }),
    starts.fails('refused', 'Experiment template does not exist.', {
      answers: { [start]: [{ status: 404, body: { message: 'Experiment template does not exist.' } }] },
    }),
    starts.fails('while too many are on', 'cannot start EXT1a2b3c4d5e6f7 yet: The quota is used up.', {
      answers: { [start]: [{ status: 402, body: { message: 'The quota is used up.' } }] },
    }),
    stops.passes('one that runs', 'Stopped experiment', {
      answers: { [get]: [as('running'), as('stopping'), as('stopped')] },
    }),
    stops.passes('one that ends meanwhile', 'Stopped experiment', {
      answers: {
        [stop]: [{ status: 400, body: { message: 'It is not running.' } }],
        [get]: [as('running'), as('completed'), as('completed')],
      },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('chaos-testing', 'aws-fis', { region: 'eu-west-1', allow: ['EXT*'] }),
}
