import { azureDevopsType } from '../../../shared/orchestrators/azure-devops/azure-devops.ts'
import { HEADERS } from '../../../shared/orchestrators/azure-devops/server-task.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import type { Answer } from '../../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../../shared/outcome.ts'
import { type Case, key, type Subject } from '../cases.ts'

const plan = '/{organization}/{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}'
const events = `POST ${plan}/events`
const records = `${plan}/timelines/{timelineId}/records`
/** The ids of the recorded example. */
const ids = {
  ProjectId: '4bc8ac87-97ce-56c1-1ba1-9b9e4b7a2b43',
  PlanId: '787562d7-f1da-59cf-22c4-8a94fa784503',
  JobId: '096e11e7-c8bb-5a90-1a73-4e639c9ea0f9',
  TimelineId: '787562d7-f1da-59cf-22c4-8a94fa784503',
  TaskInstanceId: '5e6d5dbf-ac69-5f56-8b85-8e9038703a8b',
}
const outcome = passed('Passed: 0 errors', {}, { k6: 'https://k6.example.com/runs/7' })
const finished = (of: Outcome): Answer => ({ kind: 'finished', outcome: of })

interface Sending {
  answer: Answer
  hub?: string
}

const send = (how: string, input: Sending, more: Partial<Case> = {}): Case => ({ action: 'send', how, input, ...more })

export const azureDevopsChecks: Subject = {
  name: 'azure-devops',
  contract: 'azure-devops-checks',
  // The helper of Microsoft and its documentation use one each.
  credentials: [[{ kind: 'bearer' }], [{ kind: 'basic' }]],
  documents: [`POST ${plan}/logs/{logId}`],
  cases: [
    { action: 'check', how: 'a personal access token', connection: { token: 'a-personal-token-of-azure' } },
    send('started', { answer: { kind: 'started' } }, { says: 'sent' }),
    send('succeeded', { answer: finished(outcome) }, { says: 'sent' }),
    send('succeeded with a warning', { answer: finished({ ...outcome, result: 'warning' }) }, { says: 'sent' }),
    send('failed', { answer: finished(errored(new Error('Something broke'))) }, { says: 'sent' }),
    send(
      'succeeded, with a personal access token',
      { answer: finished(outcome) },
      {
        connection: { token: 'a-personal-token-of-azure' },
        says: 'sent',
      },
    ),
    send('to an old gate', { answer: finished(outcome), hub: 'Gates' }, { says: 'sent' }),
    send(
      'a result that the task has',
      { answer: finished(outcome) },
      {
        isRetry: true,
        answers: { [events]: [{ status: 404, body: { message: 'The plan was not found.' } }] },
        says: 'sent',
      },
    ),
    send(
      'a result of a canceled run',
      { answer: finished(outcome) },
      {
        isRetry: true,
        answers: {
          [events]: [{ status: 404, body: { message: 'The plan was not found.' } }],
          [`GET ${records}`]: [{ body: { count: 0, value: [] } }],
        },
        says: 'unwanted',
      },
    ),
  ],
  async run(url, { action, input, connection = {}, isRetry = false }) {
    const collection = `${url}/fabrikam/`
    const { secret, connect } = azureDevopsType
    if (!secret) throw new Error('The type has settings.')
    const orchestrator = connect(secret.parse({ type: 'azure-devops', collections: [collection], ...connection }))
    if (action === 'check') {
      await orchestrator.check()
      return 'checked'
    }
    const { answer, hub = 'checks' } = input as Sending
    const sent = { ...HEADERS, ...ids, PlanUrl: collection, HubName: hub, AuthToken: 'an-access-token-of-the-job' }
    const headers = Object.fromEntries(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]))
    const { replyTo, ...event } = orchestrator.parse({ event: parseEvent({}), body: {}, headers })
    const about = { id: key, category: 'load-testing', action: 'start-test', caller: 'azure', labels: true }
    return orchestrator.send({ ...about, event, replyTo }, answer, isRetry ? 2 : 0)
  },
}
