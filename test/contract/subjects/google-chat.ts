import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const messages = '/v1/spaces/{spacesId}/messages'
const space = 'spaces/AAAAtN0IHSw'
const message = { name: `${space}/messages/UBHHVc.UBHHVc`, thread: { name: `${space}/threads/UBHHVc` } }
const pushes = casesOf('push-update', { text: 'The release is <b>out</b>' })
const refused = (how: string, code: number, status: string, text: string) => ({
  how,
  text,
  answers: { [`POST ${messages}`]: [{ status: code, body: { error: { code, status, message: text } } }] },
})
const exists = refused('again, after it got through', 409, 'ALREADY_EXISTS', 'Message already exists.')
const forbidden = refused('refused', 403, 'PERMISSION_DENIED', 'The app is not in the space.')

export const googleChat: Subject = {
  name: 'google-chat',
  contract: 'google-chat',
  answers: {
    'GET /v1/spaces/{spacesId}': { body: { name: space } },
    [`POST ${messages}`]: { body: message },
    [`GET ${messages}/{messagesId}`]: { body: message },
    [`PATCH ${messages}/{messagesId}`]: { body: message },
  },
  cases: [
    { action: 'check', how: 'the app and its space' },
    pushes.passes('a text', 'Sent'),
    pushes.passes('a template', 'Sent', { input: { text: undefined } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes(exists.how, 'Sent', { isRetry: true, answers: exists.answers }),
    pushes.fails(forbidden.how, forbidden.text, { answers: forbidden.answers }),
    { action: 'ask-approval', how: 'by a link', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'google-chat', { token: 'an-access-token-of-google', channel: space }),
}
