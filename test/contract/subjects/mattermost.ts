import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const channel = '4xp9fdt77pncbef59f4k1qe83o'
const post = 'POST /api/v4/posts'
const list = 'GET /api/v4/channels/{channel_id}/posts'
const made = { id: 'nejk5r4dtfgwzfc4ph1a5w3aoy', channel_id: channel, props: { cloud_automation_webhooks: key } }
const refusal = {
  id: 'api.context.permissions.app_error',
  message: 'You do not have the appropriate permissions.',
  request_id: 'abc',
  status_code: 403,
}

const pushes = casesOf('push-update', { text: 'The release is **out**, @all' })

export const mattermost: Subject = {
  name: 'mattermost',
  contract: 'mattermost',
  // The vendor's document calls the properties of a patch a text; its server takes the object that it is.
  documents: ['PUT /api/v4/posts/{post_id}/patch'],
  cases: [
    { action: 'check', how: 'the token' },
    pushes.passes('a text', 'Sent'),
    { action: 'push-update', how: 'a template', input: {}, says: 'Sent' },
    pushes.passes('to a channel by its name', 'to ops/deployments', { input: { channel: 'ops/deployments' } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes('again, after it got through', 'Sent', {
      isRetry: true,
      answers: { [list]: [{ body: { order: [made.id], posts: { [made.id]: made } } }] },
    }),
    pushes.passes('again, after it did not', 'Sent', { isRetry: true }),
    pushes.fails('refused', 'You do not have the appropriate permissions.', {
      answers: { [post]: [{ status: 403, body: refusal }] },
    }),
    { action: 'ask-approval', how: 'with buttons', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'mattermost', { token: 'a-token-of-a-bot', channel }),
}
