import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { oneOf, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import { defineJobProvider, type EventToAnswer, type StartJob } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url("Where Akamas' webhook for Keptn is, such as https://akamas.example.com:6000"),
  username: word('User of Akamas'),
  password: secret('Password of that user'),
  mode: oneOf(['delegate'], 'delegate: the webhook of Akamas follows the study, and sends the finished event itself'),
  target: optional(word('Default study, by its id')),
})

/** Nothing was begun: the bridge itself found no Akamas. */
const unreached = /connection to Akamas can not be established/i

/**
 * Akamas, by the webhook that its vendor wrote for Keptn: that one starts a study, follows it, and sends the `finished` event
 * with the best configuration. So a task that is taken there must not send one.
 *
 * There is no way to look at a study or to stop it: Akamas documents a CLI, and no API.
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
  // It has one call, and that starts a study: what it answers to another method tells that it is there.
  check: ({ http }) => http.get('v1/study-run', { accept: [404, 405] }),

  states: { started: 'running' },

  checkStart(input) {
    for (const field of ['project', 'ref', 'parameters', 'thresholds', 'onDeadline'] as const) {
      if (input[field] !== undefined)
        throw invalid(`input.${field}`, 'is of no use: what a study does is said in Akamas')
    }
    answered(input)
  },

  async start({ http }, input) {
    const { id, type, shkeptncontext, project, stage, service } = answered(input)
    const { status, body } = await http.post(
      'v1/study-run',
      { 'study-id': input.target, type, shkeptncontext, triggeredid: id, project, stage, service },
      { accept: [500] },
    )
    if (status === 500) throw failed(body)
    return { id: input.target }
  },

  // A study that was handed over is never looked at.
  getStatus: async () => ({ state: 'started' }),
})

function failed(body: unknown): Failure {
  const said = typeof body === 'string' ? body.trim() : ''
  const nothingWritten = unreached.test(said)
  return new Failure(
    'platform',
    `Akamas answered 500 to POST /v1/study-run: ${clipSingleLine(said || 'no reason given', 300)}`,
    { nothingWritten, afterWrite: !nothingWritten },
  )
}

/** @throws Failure `invalid` for an event that can not be answered, which only a dry run may have */
function answered({ event }: StartJob): EventToAnswer {
  for (const field of ['id', 'type', 'shkeptncontext', 'project', 'stage', 'service'] as const) {
    if (event?.[field] === undefined) throw invalid(field, 'is missing: Akamas needs it to answer the event')
  }
  return event as EventToAnswer
}

function invalid(path: string, message: string): Failure {
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
