import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const invoke = 'POST /workflows/{workflowId}/triggers/manual/paths/invoke'
const path = '/workflows/8f14e45fceea167a/triggers/manual/paths/invoke'
const query = '?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-signature'
const disabled = {
  error: {
    code: 'WorkflowTriggerIsNotEnabled',
    message: "Could not execute workflow 'x' trigger 'manual' with state 'Disabled': trigger is not enabled.",
  },
}

const pushes = casesOf('push-update', { text: 'The release is **out**, <at>all</at>' })

export const msteams: Subject = {
  name: 'msteams',
  contract: 'msteams-workflows',
  cases: [
    { action: 'check', how: 'the webhook' },
    pushes.passes('a text', 'Sent'),
    { action: 'push-update', how: 'a template', says: 'Sent', input: {} },
    pushes.passes('that is too long', 'Sent', { input: { text: 'x'.repeat(60_000) } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes('again', 'Sent', { isRetry: true }),
    pushes.passes('where the workflow answers 202', 'Sent', { answers: { [invoke]: [{ status: 202 }] } }),
    pushes.fails('to a channel', 'has one destination', { input: { channel: 'ops' } }),
    pushes.fails('refused', 'trigger is not enabled', { answers: { [invoke]: [{ status: 400, body: disabled }] } }),
    { action: 'ask-approval', how: 'with a link to the page', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'msteams', (url) => ({ webhookUrl: `${url}${path}${query}` })),
}
