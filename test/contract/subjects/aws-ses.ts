import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const send = 'POST /v2/email/outbound-emails'
const pushes = casesOf('push-update', { text: 'The release is out' })
const rejected = { message: 'Email address is not verified.' }

export const awsSes: Subject = {
  name: 'aws-ses',
  contract: 'aws-sesv2',
  answers: {
    'GET /v2/email/identities/{EmailIdentity}': { body: { IdentityType: 'DOMAIN', VerifiedForSendingStatus: true } },
  },
  cases: [
    { action: 'check', how: 'the identity' },
    pushes.passes('a text', 'Sent'),
    pushes.passes('a template', 'Sent', { input: { text: undefined } }),
    pushes.passes('with a configuration set', 'Sent', { connection: { configurationSet: 'bounces' } }),
    pushes.passes('again', 'Sent', { isRetry: true }),
    pushes.fails('refused', rejected.message, { answers: { [send]: [{ status: 400, body: rejected }] } }),
    { action: 'ask-approval', how: 'with a link', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'aws-ses', {
    ...{ region: 'eu-west-1', from: 'deployments@example.com', channel: 'ops@example.com' },
  }),
}
