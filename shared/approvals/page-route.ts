import { Failure, toSentence } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import type { PublicRoute, RouteRequest } from '../providers/category.ts'
import { redact } from '../redact.ts'
import { toPlainText } from '../text/plain-text.ts'
import { singleLine } from '../text/single-line.ts'
import { decide, tooEarly } from './decide.ts'
import { inWords } from './decision.ts'
import { type Page, pageAnswer } from './page.ts'
import { readReference } from './signed-link.ts'
import { type Kept, readQuestion } from './store.ts'

const longestName = 100
const longestReason = 1_000

/**
 * The page of a question, for people whose platform has no buttons. Its link is the credential: whoever has it may decide,
 * once. A GET never decides, since scanners of mail and chat open every link.
 */
export const decideOnPage: PublicRoute = async (category, request) => {
  try {
    return pageAnswer(await answerOf(category.name, request))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.kind === 'unauthenticated') log.warn('a link was refused', { reason: error.message })
    const { allow } = error.headers ?? {}
    return withHeader(pageAnswer({ kind: 'refused', status: statusOf(error), text: redact(error.message) }), allow)
  }
}

/** No token is asked for here, so a link that is not good is forbidden, and not unauthenticated. */
function statusOf({ kind, status }: Failure): number {
  return kind === 'unauthenticated' ? 403 : status
}

function withHeader(answer: WebhookResponse, allow: string | undefined): WebhookResponse {
  return allow === undefined ? answer : { ...answer, headers: { ...answer.headers, allow } }
}

async function answerOf(category: string, { method, rest, body, now }: RouteRequest): Promise<Page> {
  const [reference = ''] = rest
  if (rest.length !== 1) throw new Failure('unauthenticated', 'This link is not whole.')
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
    throw new Failure('method', `${method} is not allowed here.`, { headers: { allow: 'GET, HEAD, POST' } })
  const { taskId, expired } = await readReference(reference, now)
  log.appendKeys({ taskId })
  const kept = await readQuestion(taskId)
  if (!kept) throw new Failure('unknown', 'There is no such question any more.')
  const { question, decision } = kept
  if (question.buttons)
    throw new Failure('unauthenticated', 'This question is decided with the buttons of its message.')
  const { message, deadlineAt } = question
  if (decision)
    return {
      kind: 'decided',
      status: method === 'POST' ? 409 : 200,
      message,
      text: `Already decided. ${inWords(decision)}`,
    }
  if (expired || deadlineAt <= now) return { kind: 'ended', status: 410, message, text: inWords(undefined) }
  if (method !== 'POST') return { kind: 'open', status: 200, message, deadlineAt }
  return decideBy(category, taskId, kept, new URLSearchParams(body), now)
}

async function decideBy(
  category: string,
  taskId: string,
  kept: Kept,
  form: URLSearchParams,
  now: number,
): Promise<Page> {
  const { message, deadlineAt } = kept.question
  const [decision, writtenName, writtenReason] = ['decision', 'name', 'reason'].map((field) => form.get(field) ?? '')
  // One line each, and no brackets in a name: they are how buttons show an id that the platform has checked.
  const name = singleLine(toPlainText(writtenName ?? '').replace(/[()[\]{}<>（）]/g, ' '))
  const reason = singleLine(toPlainText(writtenReason ?? ''))
  const given = { name, reason }
  if (decision !== 'approve' && decision !== 'reject')
    return { kind: 'open', status: 400, message, deadlineAt, given, error: 'Choose Approve or Reject.' }
  if (!name || name.length > longestName)
    return {
      kind: 'open',
      status: 400,
      message,
      deadlineAt,
      given,
      error: 'Write your name: it is told with your decision.',
    }
  if (reason && reason.length > longestReason)
    return {
      kind: 'open',
      status: 400,
      message,
      deadlineAt,
      given,
      error: `Write a reason of at most ${longestReason} characters.`,
    }
  // Nobody has checked that name, and what it begins with says so.
  const by = redact(`link: ${name}`)
  const at = new Date(now).toISOString()
  const decided = await decide(category, taskId, kept, {
    decision,
    by,
    at,
    ...(reason ? { reason: redact(reason) } : {}),
  })
  if (decided.became === 'late')
    return { kind: 'decided', status: 409, message, text: `Already decided. ${inWords(decided.decision)}` }
  if (decided.became === 'early') return { kind: 'open', status: 503, message, deadlineAt, given, error: tooEarly }
  if (decided.became === 'ended')
    return {
      kind: 'ended',
      status: 410,
      message,
      text: `This question has ended. ${toSentence(decided.how)} Nothing was changed`,
    }
  log.info('a question was decided', { decision, by })
  return { kind: 'decided', status: 200, message, text: inWords(decided.decision) }
}
