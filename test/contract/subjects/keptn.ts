import { keptn as orchestrator } from '../../../shared/orchestrators/keptn/keptn.ts'
import type { Answer, AnsweredTask } from '../../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../../shared/outcome.ts'
import type { Case, Subject } from '../cases.ts'

const category = 'issue-ticketing'
const event = {
  id: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
  task: 'openticket',
  context: '08735340-6f9e-4b32-97ff-3b6c292bc509',
  project: 'incident-demo',
  stage: 'production',
  service: 'casdemoapp',
  labels: { team: 'shop' },
}
const outcome = passed(
  'Opened issue OPS-12',
  { id: '10012', number: 'OPS-12' },
  { 'jira OPS-12': 'https://example.com' },
)
const large = passed('Opened issue OPS-12', { id: '10012', log: 'x'.repeat(70_000) })
const recorded = [{ triggeredid: event.id, source: `cloud-automation-webhooks/${category}` }]

const task: AnsweredTask = { id: '5f0c', caller: 'demo', category, action: 'open-issue', event, labels: true }
const started: Answer = { kind: 'started' }
const finished = (outcome: Outcome): Answer => ({ kind: 'finished', outcome })

type SendCase = Partial<Case> & { of?: AnsweredTask }

const send = (how: string, answer: Answer, { of = task, ...more }: SendCase = {}): Case => ({
  action: 'send',
  how,
  input: { task: of, answer },
  ...more,
})

export const keptn: Subject = {
  name: 'keptn',
  contract: 'keptn-api',
  // Its gateway has the API there.
  under: '/api',
  cases: [
    { action: 'check', how: 'the credentials' },
    send('started', started),
    send('finished', finished(outcome)),
    send('finished without labels', finished(outcome), {
      of: { ...task, event: { ...event, labels: {} }, labels: false },
    }),
    send('finished as errored', finished(errored(new Error('Something broke')))),
    send('finished with a commit', finished(outcome), { of: { ...task, event: { ...event, gitcommitid: 'a1b2c3' } } }),
    send('finished with more than it takes', finished(large)),
    send('finished again, which it does not have', finished(outcome), { isRetry: true }),
    send('finished again, which it has', finished(outcome), {
      isRetry: true,
      answers: { 'GET /mongodb-datastore/event': [{ body: { events: recorded } }] },
    }),
    send('started, refused', started, {
      answers: { 'POST /event': [{ status: 400, body: { code: 400, message: 'data.stage is missing' } }] },
      refused: true,
      says: 'data.stage is missing',
    }),
  ],
  async run(url, { action, input, isRetry = false }) {
    const { check, send } = orchestrator({ type: 'keptn', baseUrl: url, token: 'a-token-of-keptn' })
    if (action === 'check') {
      await check()
      return 'checked'
    }
    const { task, answer } = input as { task: AnsweredTask; answer: Answer }
    await send(task, answer, isRetry ? 1 : 0)
    return 'sent'
  },
}
