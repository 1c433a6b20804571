import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const invoke = 'POST /workflows/{workflowId}/triggers/manual/paths/invoke'
const path = '/workflows/8f14e45fceea167a/triggers/manual/paths/invoke'
const query = '?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a-signature'
const input = { text: 'The release is **out**, <at>all</at>' }
const disabled = {
  error: {
    code: 'WorkflowTriggerIsNotEnabled',
    message: "Could not execute workflow 'x' trigger 'manual' with state 'Disabled': trigger is not enabled.",
  },
}

export const msteams: Subject = {
  name: 'msteams',
  contract: 'msteams-workflows',
  cases: [
    { action: 'check', how: 'the webhook' },
    { action: 'push-update', how: 'a text', input, says: 'Sent' },
    { action: 'push-update', how: 'a template', input: {}, says: 'Sent' },
    { action: 'push-update', how: 'that is too long', input: { text: 'x'.repeat(60_000) }, says: 'Sent' },
    { action: 'push-update', how: 'without an event id', input, noKey: true, says: 'Sent' },
    { action: 'push-update', how: 'again', input, isRetry: true, says: 'Sent' },
    {
      action: 'push-update',
      how: 'where the workflow answers 202',
      input,
      answers: { [invoke]: [{ status: 202 }] },
      says: 'Sent',
    },
    {
      action: 'push-update',
      how: 'to a channel',
      input: { ...input, channel: 'ops' },
      refused: true,
      says: 'has one destination',
    },
    {
      action: 'push-update',
      how: 'refused',
      input,
      answers: { [invoke]: [{ status: 400, body: disabled }] },
      refused: true,
      says: 'trigger is not enabled',
    },
    { action: 'ask-approval', how: 'with a link to the page', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'msteams', (url) => ({ webhookUrl: `${url}${path}${query}` })),
}
