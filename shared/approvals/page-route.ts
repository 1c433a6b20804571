import { audit } from '../audit.ts'
import { Failure, toSentence } from '../errors.ts'
import { log } from '../log.ts'
import type { PublicRoute, RouteRequest } from '../providers/category.ts'
import { redact } from '../redact.ts'
import { describeDecision } from '../state/approval-decision.ts'
import { readApproval, type StoredApproval } from '../state/approvals.ts'
import { toPlainText } from '../text/plain-text.ts'
import { singleLine } from '../text/single-line.ts'
import { decide, wakeTasks } from './decide.ts'
import { type Page, renderPage } from './page.ts'
import { verifyToken } from './signed-link.ts'

const MAX_NAME = 100
const MAX_REASON = 1_000
/** The brackets of all alphabets. */
const BRACKETS = /[\p{Ps}\p{Pe}<>＜＞]/gu

/**
 * The page of an approval, for people whose platform has no buttons. Its link is the credential: everybody who has it may
 * decide, once. A GET never decides, because scanners of mail and chat open every link.
 */
export const pageRoute: PublicRoute = async (category, request) => {
  try {
    return renderPage(await handleRequest(category.name, request))
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.kind === 'unauthenticated') log.warn('link refused', { kind: error.kind, reason: error.message })
    const response = renderPage({ kind: 'refused', status: statusOf(error), text: redact(error.message) })
    const { allow } = error.headers ?? {}
    return allow === undefined ? response : { ...response, headers: { ...response.headers, allow } }
  }
}

/** The page does not ask for credentials, so an invalid link is 403 instead of 401. */
function statusOf({ kind, status }: Failure): number {
  return kind === 'unauthenticated' ? 403 : status
}

async function handleRequest(category: string, { method, rest, body, now }: RouteRequest): Promise<Page> {
  const [token = ''] = rest
  if (rest.length !== 1) throw new Failure('unauthenticated', 'This link is not complete.')
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST')
    throw new Failure('method', `${method} is not allowed here.`, { headers: { allow: 'GET, HEAD, POST' } })
  const { taskId, isExpired } = await verifyToken(token, now)
  log.appendKeys({ taskId })
  const stored = await readApproval(taskId)
  if (!stored) throw new Failure('unknown', 'This approval no longer exists.')
  const { approval, decision } = stored
  if (approval.hasButtons) throw new Failure('unauthenticated', 'Decide this approval with the buttons of its message.')
  const { message, deadlineAt } = approval
  if (decision) {
    if (method === 'POST') await wakeTasks(stored)
    const text = `Already decided. ${describeDecision(decision)}`
    return { kind: 'decided', status: method === 'POST' ? 409 : 200, message, text }
  }
  if (isExpired || deadlineAt <= now) return { kind: 'ended', status: 410, message, text: describeDecision(undefined) }
  if (method !== 'POST') return { kind: 'open', status: 200, message, deadlineAt }
  return decideByForm(category, taskId, stored, new URLSearchParams(body), now)
}

async function decideByForm(
  category: string,
  taskId: string,
  stored: StoredApproval,
  form: URLSearchParams,
  now: number,
): Promise<Page> {
  const { message, deadlineAt } = stored.approval
  const decision = form.get('decision')
  // No brackets in a name: buttons use them for an id that the platform has verified.
  const name = singleLine(toPlainText(form.get('name') ?? '').replace(BRACKETS, ' '))
  const reason = singleLine(toPlainText(form.get('reason') ?? ''))
  const open = (status: number, error: string): Page => ({
    kind: 'open',
    status,
    message,
    deadlineAt,
    entered: { name, reason },
    error,
  })
  if (decision !== 'approve' && decision !== 'reject') return open(400, 'Choose Approve or Reject.')
  if (!isVisible(name) || name.length > MAX_NAME) return open(400, 'Enter your name. It is shown with your decision.')
  if (reason.length > MAX_REASON) return open(400, `The reason must be at most ${MAX_REASON} characters.`)
  // The prefix shows that the name is not verified.
  const by = redact(`link: ${name}`)
  const at = new Date(now).toISOString()
  const result = await decide(category, taskId, stored, {
    decision,
    by,
    at,
    ...(reason ? { reason: redact(reason) } : {}),
  })
  if (result.status === 'already-decided')
    return { kind: 'decided', status: 409, message, text: `Already decided. ${describeDecision(result.decision)}` }
  if (result.status === 'ended') {
    const text = `This approval has ended. ${toSentence(result.reason)} Your decision has no effect`
    return { kind: 'ended', status: 410, message, text }
  }
  // A request that several people have to approve is only sent where they are known.
  if (result.status === 'counted') throw new Error('A page cannot count people.')
  audit.add({ operation: 'decision', taskId, connection: stored.approval.connection, outcome: decision, by })
  return { kind: 'decided', status: 200, message, text: describeDecision(result.decision) }
}

/** Returns whether a name has a letter or a digit that people can see. Some invisible characters count as letters. */
function isVisible(name: string): boolean {
  return /[\p{L}\p{N}]/u.test(name.replace(/\p{Default_Ignorable_Code_Point}/gu, ''))
}
