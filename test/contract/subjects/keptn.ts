import type { TaskEvent } from '../../../shared/orchestrators/keptn/event.ts'
import { keptn as orchestrator } from '../../../shared/orchestrators/keptn/keptn.ts'
import { finishedReply, startedReply } from '../../../shared/orchestrators/keptn/reply.ts'
import { errored, passed } from '../../../shared/outcome.ts'
import type { Case, Subject } from '../cases.ts'

const category = 'issue-ticketing'
const task: TaskEvent = {
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
const recorded = [{ triggeredid: task.id, source: `cloud-automation-webhooks/${category}` }]

const send = (how: string, input: object, more: Partial<Case> = {}): Case => ({ action: 'send', how, input, ...more })

export const keptn: Subject = {
  name: 'keptn',
  contract: 'keptn-api',
  // Its gateway has the API there.
  under: '/api',
  cases: [
    { action: 'check', how: 'the credentials' },
    send('started', startedReply(task, category)),
    send('finished', finishedReply(task, category, outcome, true)),
    send('finished without labels', finishedReply({ ...task, labels: {} }, category, outcome, false)),
    send('finished as errored', finishedReply(task, category, errored(new Error('Something broke')), true)),
    send('finished with a commit', finishedReply({ ...task, gitcommitid: 'a1b2c3' }, category, outcome, true)),
    send('finished with more than it takes', finishedReply(task, category, large, true)),
    send('finished again, which it does not have', finishedReply(task, category, outcome, true), { isRetry: true }),
    send('finished again, which it has', finishedReply(task, category, outcome, true), {
      isRetry: true,
      answers: { 'GET /mongodb-datastore/event': [{ body: { events: recorded } }] },
    }),
    send('started, refused', startedReply(task, category), {
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
    await send(input as ReturnType<typeof startedReply>, isRetry ? 1 : 0)
    return 'sent'
  },
}
