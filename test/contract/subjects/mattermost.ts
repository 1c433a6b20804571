import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const channel = '4xp9fdt77pncbef59f4k1qe83o'
const post = 'POST /api/v4/posts'
const list = 'GET /api/v4/channels/{channel_id}/posts'
const made = { id: 'nejk5r4dtfgwzfc4ph1a5w3aoy', channel_id: channel, props: { cloud_automation_webhooks: key } }
const input = { text: 'The release is **out**, @all' }
const refusal = {
  id: 'api.context.permissions.app_error',
  message: 'You do not have the appropriate permissions.',
  request_id: 'abc',
  status_code: 403,
}

export const mattermost: Subject = {
  name: 'mattermost',
  contract: 'mattermost',
  // The vendor's document calls the properties of a patch a text; its server takes the object that it is.
  documents: ['PUT /api/v4/posts/{post_id}/patch'],
  cases: [
    { action: 'check', how: 'the token' },
    { action: 'push-update', how: 'a text', input, says: 'Sent' },
    { action: 'push-update', how: 'a template', input: {}, says: 'Sent' },
    {
      action: 'push-update',
      how: 'to a channel by its name',
      input: { ...input, channel: 'ops/deployments' },
      says: 'to ops/deployments',
    },
    { action: 'push-update', how: 'without an event id', input, noKey: true, says: 'Sent' },
    {
      action: 'push-update',
      how: 'again, after it got through',
      input,
      isRetry: true,
      answers: { [list]: [{ body: { order: [made.id], posts: { [made.id]: made } } }] },
      says: 'Sent',
    },
    { action: 'push-update', how: 'again, after it did not', input, isRetry: true, says: 'Sent' },
    {
      action: 'push-update',
      how: 'refused',
      input,
      answers: { [post]: [{ status: 403, body: refusal }] },
      refused: true,
      says: 'You do not have the appropriate permissions.',
    },
    { action: 'ask-approval', how: 'with buttons', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'mattermost', { token: 'a-token-of-a-bot', channel }),
}
