import { audit } from '../audit.ts'
import { Failure, toSentence } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import { withoutBrackets } from '../people/identity.ts'
import type { PublicRoute, RouteRequest } from '../providers/category.ts'
import type { Message } from '../providers/message.ts'
import { redact } from '../redact.ts'
import { describeDecision, describeVotes } from '../state/approval-decision.ts'
import type { StoredApproval } from '../state/approvals.ts'
import { toPlainText } from '../text/plain-text.ts'
import { singleLine } from '../text/single-line.ts'
import { decide, wakeTasks } from './decide.ts'
import { type Decider, findDecider } from './decider.ts'
import { findApproval, findReadableApproval, type LinkedApproval } from './find-approval.ts'
import { type Page, refusalPage, renderPage } from './page.ts'
import { pageUrlOf, READ, SIGN_IN } from './page-url.ts'
import { cookieOf } from './sealed-cookie.ts'

const MAX_NAME = 100
const MAX_REASON = 1_000

/**
 * The page of an approval, for people whose platform has no buttons. With the secret `people`, they sign in to decide. Without it, the link
 * is the credential: everybody who has it may decide, once. A GET never decides, because scanners of mail and chat open every link.
 */
export const pageRoute: PublicRoute = async (category, request) => {
  try {
    return await handleRequest(category.name, request)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.kind === 'unauthenticated') log.warn('link refused', { kind: error.kind, reason: error.message })
    return refusalPage(error, { title: 'This link cannot be used' })
  }
}

async function handleRequest(category: string, request: RouteRequest): Promise<WebhookResponse> {
  const { method, rest } = request
  const [token = '', operation] = rest
  const isFinish = rest.length === 1 && token === SIGN_IN
  const isStart = rest.length === 2 && token !== SIGN_IN && operation === SIGN_IN
  const isRead = rest.length === 2 && operation === READ
  if (rest.length !== 1 && !isStart && !isRead) throw new Failure('unauthenticated', 'This link is not complete.')
  const methods = isStart || isFinish ? ['GET'] : ['GET', 'HEAD', ...(isRead ? [] : ['POST'])]
  if (!methods.includes(method))
    throw new Failure('method', `${method} is not allowed here.`, { headers: { allow: methods.join(', ') } })
  if (isRead) return renderPage(await readPageOf(token, request.now))
  if (!isStart && !isFinish) return renderPage(await pageOf(category, token, request))
  const route = await import('./sign-in-route.ts')
  return isStart ? route.respondToSignInStart(category, token, request) : route.respondToSignInEnd(category, request)
}

/** Returns the page that shows an approval to those who have its link, and lets no one decide. */
async function readPageOf(token: string, now: number): Promise<Page> {
  const stored = await findReadableApproval(token, now)
  const { approval, decision } = stored
  const text = decision ? describeDecision(decision) : 'This link only shows the request.'
  return { kind: 'decided', status: 200, message: withVotes(stored), details: approval.details, text }
}

async function pageOf(category: string, token: string, request: RouteRequest): Promise<Page> {
  const { method, now, body } = request
  const linked = await findApproval(token, now)
  const { approval, decision } = linked.stored
  const { message, details } = approval
  if (decision) {
    if (method === 'POST') await wakeTasks(linked.stored)
    const text = `Already decided. ${describeDecision(decision)}`
    return { kind: 'decided', status: method === 'POST' ? 409 : 200, message, details, text }
  }
  if (linked.isOver) return { kind: 'ended', status: 410, message, text: describeDecision(undefined) }
  const decider = await findDecider(linked, request)
  const signInUrl = `${pageUrlOf(request, token)}/${SIGN_IN}`
  const open: OpenPage = (status, more = {}) => {
    return {
      kind: 'open',
      status,
      message: withVotes(linked.stored),
      details,
      deadlineAt: approval.deadlineAt,
      decider,
      signInUrl,
      ...more,
    }
  }
  if (method !== 'POST') return open(200)
  if (decider.type === 'signed-in') refuseOtherSites(request)
  return decideByForm({ category, linked, decider, open, form: new URLSearchParams(body), now })
}

/** Shows the question, with a status. */
type OpenPage = (status: number, more?: { error?: string; entered?: { name: string; reason: string } }) => Page

interface Decision {
  category: string
  linked: LinkedApproval
  decider: Decider
  open: OpenPage
  form: URLSearchParams
  now: number
}

async function decideByForm({ category, linked, decider, open, form, now }: Decision): Promise<Page> {
  const { taskId, stored } = linked
  const { message, connection } = stored.approval
  const decision = form.get('decision')
  // No brackets in a name: in them is an id that was verified.
  const name = singleLine(withoutBrackets(toPlainText(form.get('name') ?? '')))
  const reason = singleLine(toPlainText(form.get('reason') ?? ''))
  const incomplete = (error: string) => open(400, { error, entered: { name, reason } })
  if (decider.type === 'signed-out') return open(403, { error: 'You are no longer signed in. Sign in to decide.' })
  if (decision !== 'approve' && decision !== 'reject') return incomplete('Choose Approve or Reject.')
  if (decider.type === 'anyone' && (!isVisible(name) || name.length > MAX_NAME))
    return incomplete('Enter your name. It is shown with your decision.')
  if (reason.length > MAX_REASON) return incomplete(`The reason must be at most ${MAX_REASON} characters.`)
  // The prefix shows that the name is not verified.
  const { by, id, refusal } =
    decider.type === 'anyone' ? { by: redact(`link: ${name}`), id: undefined, refusal: undefined } : decider
  const known = { operation: 'decision', taskId, connection, by } as const
  if (refusal !== undefined) {
    log.info('decision refused', { by, reason: refusal })
    audit.add({ ...known, outcome: 'refused' })
    return open(403)
  }
  const at = new Date(now).toISOString()
  const why = reason ? { reason: redact(reason) } : {}
  const result = await decide(category, taskId, stored, { decision, by, at, ...why }, id)
  if (result.status === 'already-decided')
    return { kind: 'decided', status: 409, message, text: `Already decided. ${describeDecision(result.decision)}` }
  if (result.status === 'ended') {
    const text = `This approval has ended. ${toSentence(result.reason)} Your decision has no effect`
    return { kind: 'ended', status: 410, message, text }
  }
  audit.add({ ...known, outcome: decision })
  const text =
    result.status === 'counted'
      ? `${describeVotes(result.votes, result.count)}. Others have to decide, too.`
      : describeDecision(result.decision)
  // The browser may be that of several people.
  return {
    kind: 'decided',
    status: 200,
    message,
    text,
    ...(decider.type === 'signed-in' ? { cookie: cookieOf() } : {}),
  }
}

/** Returns the message, with the people who have approved so far. */
function withVotes({ approval: { message, count = 1 }, votes }: StoredApproval): Message {
  if (votes.length === 0) return message
  return { ...message, fields: [...message.fields, { name: 'So far', value: describeVotes(votes, count) }] }
}

/**
 * Refuses the form of another page. The cookie is not sent from other sites, but from other hosts of the same domain. Older browsers
 * have no `Sec-Fetch-Site`, only `Origin`.
 *
 * @throws Failure `forbidden`
 */
function refuseOtherSites({ headers, categoryUrl }: RouteRequest): void {
  const { 'sec-fetch-site': site, origin } = headers
  const isOwnOrigin = origin === undefined || URL.parse(origin)?.host === new URL(categoryUrl).host
  const isOwn = site === undefined ? isOwnOrigin : site === 'none' || site === 'same-origin'
  if (!isOwn)
    throw new Failure(
      'forbidden',
      'Another page has sent this decision. Open the link of the approval, and decide there.',
    )
}

/** Returns whether a name has a letter or a digit that people can see. Some invisible characters count as letters. */
function isVisible(name: string): boolean {
  return /[\p{L}\p{N}]/u.test(name.replace(/\p{Default_Ignorable_Code_Point}/gu, ''))
}
