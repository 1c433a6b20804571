import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const publish = 'POST /#Action=Publish'
const topic = 'arn:aws:sns:eu-west-1:123456789012:deploys'

/** The Query protocol answers XML. */
function xml(operation: string, status: number, body: unknown): string {
  const action = operation.split('=')[1]
  const parts = Object.entries((body ?? {}) as object).map(([name, value]) => `<${name}>${value}</${name}>`)
  if (status < 400) return `<${action}Response><${action}Result>${parts.join('')}</${action}Result></${action}Response>`
  return `<ErrorResponse><Error><Code>Refused</Code>${parts.join('').replaceAll('message>', 'Message>')}</Error></ErrorResponse>`
}

const pushes = casesOf('push-update', { text: 'The release is out' })

export const awsSns: Subject = {
  name: 'aws-sns',
  contract: 'aws-sns',
  answers: { [publish]: { body: { MessageId: '94f20ce6-13c5-43a0-9a9e-ca52d816e90b' } } },
  write: xml,
  cases: [
    { action: 'check', how: 'the topic' },
    pushes.passes('a text', 'Sent'),
    { action: 'push-update', how: 'a template', input: {}, says: 'Sent' },
    pushes.passes('to a topic that keeps an order', 'Sent', { input: { channel: `${topic}.fifo` } }),
    pushes.passes('without an event id', 'Sent', { noKey: true }),
    pushes.passes('again', 'Sent', { isRetry: true }),
    pushes.fails('refused', 'Topic does not exist', {
      answers: { [publish]: [{ status: 404, body: { message: 'Topic does not exist' } }] },
    }),
    { action: 'ask-approval', how: 'with a link', input: { question: 'Release?' }, says: 'Asked' },
  ],
  run: driveProvider('notification', 'aws-sns', { region: 'eu-west-1', channel: topic }),
}
