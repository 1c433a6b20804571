import * as z from 'zod/mini'
import { type Failure, invalidInput, retryLater } from '../../../shared/errors.ts'
import { oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import { defineJobProvider, type EventToAnswer, type StartJob } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url('The Akamas webhook for Keptn, such as https://akamas.example.com:6000'),
  username: word('The user name in Akamas'),
  password: secret('The password of the user'),
  mode: oneOf(['delegate'], 'delegate: the webhook of Akamas polls the study and sends the finished event'),
  target: optional(word('The id of the default study')),
})

/** The webhook of Akamas could not reach Akamas, so no study was started. */
const unreached = /connection to Akamas can not be established/i

/**
 * Starts Akamas studies with the vendor's webhook for Keptn, which polls the study and sends the `finished` event with the best
 * configuration. A task must not send a second one. Akamas documents no API to poll or stop a study.
 *
 * @see https://github.com/akamaslabs/keptn-webhook
 */
export const akamas = defineJobProvider({
  title: 'Akamas',
  noun: 'study',
  connection,
  sendsFinished: ({ mode }) => mode === 'delegate',
  headers: ({ username, password }) => ({
    authorization: basicAuth(username, password),
  }),
  // The only endpoint starts a study. An error for another method proves that it is available.
  check: ({ http }) => http.get('v1/study-run', { accept: [404, 405] }),

  states: { started: 'running' },

  checkStart(input) {
    for (const field of ['project', 'ref', 'parameters', 'thresholds', 'onDeadline'] as const) {
      if (input[field] !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported. Configure the study in Akamas')
    }
    eventToAnswerOf(input)
  },

  async start({ http }, input) {
    const { id, type, shkeptncontext, project, stage, service } = eventToAnswerOf(input)
    const { status, body } = await http.post(
      'v1/study-run',
      { 'study-id': input.target, type, shkeptncontext, triggeredid: id, project, stage, service },
      { accept: [500] },
    )
    if (status === 500) throw failureOf(body)
    return { id: input.target }
  },

  // A delegated study is never polled.
  getStatus: async () => ({ state: 'started' }),
})

function failureOf(body: unknown): Failure {
  const reason = typeof body === 'string' ? body.trim() : ''
  const nothingWritten = unreached.test(reason)
  return retryLater(`Akamas answered 500 to POST /v1/study-run: ${clipSingleLine(reason || 'no reason given', 300)}`, {
    nothingWritten,
    mayHaveWritten: !nothingWritten,
  })
}

/** @throws Failure `invalid` if the event has not all fields of an answer, which only a dry run accepts */
function eventToAnswerOf({ event }: StartJob): EventToAnswer {
  for (const field of ['id', 'type', 'shkeptncontext', 'project', 'stage', 'service'] as const) {
    if (event?.[field] === undefined) throw invalidInput(field, 'is missing. Akamas needs it to answer the event')
  }
  return event as EventToAnswer
}
