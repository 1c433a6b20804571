import { audit } from '../audit.ts'
import { json } from '../core/webhook/responses.ts'
import { Failure, toSentence } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import { log } from '../log.ts'
import type { Category, PublicRoute, RouteRequest } from '../providers/category.ts'
import { connect } from '../providers/connect.ts'
import { loadConnection } from '../providers/connections.ts'
import type { MessageProvider, Person } from '../providers/message.ts'
import { redact } from '../redact.ts'
import { describeDecision, describeVotes } from '../state/approval-decision.ts'
import { readApproval } from '../state/approvals.ts'
import { decide, wakeTasks } from './decide.ts'
import { bareName, refusalFor } from './may-decide.ts'
import { verifyToken } from './signed-link.ts'

/** Slack waits three seconds for the response to a button press. */
const PLATFORM_TIMEOUT_MS = 2_500

/**
 * Returns the route for button presses at a platform. A request has no caller token: its own token identifies the
 * approval, and the platform's signature identifies the person.
 *
 * @param provider its name in the category
 */
export function buttonRoute(provider: string): PublicRoute {
  return async (category, request) => {
    if (request.method !== 'POST')
      throw new Failure('method', `${request.method} is not allowed here. Use POST.`, { headers: { allow: 'POST' } })
    try {
      const messageProvider = (await category.providers[provider]?.()) as MessageProvider
      try {
        return await handleResponse(messageProvider, category, request, false)
      } catch (error) {
        // The token of the connection was changed. A person who decides again changes nothing.
        if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
        return await handleResponse(messageProvider, category, request, true)
      }
    } catch (error) {
      if (error instanceof Failure && error.kind === 'unauthenticated')
        log.warn('button press refused', { provider, kind: error.kind, reason: error.message })
      throw error
    }
  }
}

async function handleResponse(
  provider: MessageProvider,
  category: Category,
  request: RouteRequest,
  fresh: boolean,
): Promise<WebhookResponse> {
  const { buttons } = provider
  const test = buttons?.acceptTest?.(request, request.rest)
  if (test) return response(test)
  const token = buttons?.readToken(request)
  if (!buttons || token === undefined) throw new Failure('unauthenticated', 'This request has no token of an approval.')
  const { taskId, isExpired } = await verifyToken(token, request.now)
  log.appendKeys({ taskId })
  const stored = await readApproval(taskId)
  if (!stored) throw new Failure('unknown', 'This approval no longer exists.')
  const { approval } = stored
  const connection = await loadConnection(category, approval.connection, { fresh, ignoresUnknown: true })
  if (!approval.hasButtons || approval.needsSignIn || connection.provider !== (provider as unknown))
    throw new Failure('unauthenticated', 'This approval was not requested here.')
  const pressed = await buttons.verify(connection.values, request)
  const client = () =>
    connect(connection, { idempotencyKey: undefined, isRetry: false, deadlineAt: Date.now() + PLATFORM_TIMEOUT_MS })
  const reply = async (text: string) => response(await buttons.replyTo(client(), pressed, text))

  if (stored.decision) {
    await wakeTasks(stored)
    return reply(`Already decided. ${describeDecision(stored.decision)}.`)
  }
  if (isExpired || approval.deadlineAt <= request.now)
    return reply('This approval has expired: no one decided in time.')
  const excluded = [approval.excluded ?? []].flat()
  const [person, ...excludedIds] = await Promise.all([
    buttons.getPerson(client(), pressed),
    ...excluded.map((name) => buttons.findMemberId(client(), bareName(name))),
  ])
  const by = redact(nameWithId(person))
  const known = { operation: 'decision', taskId, connection: approval.connection, by } as const
  const refusal = refusalFor(approval, person, excludedIds)
  if (refusal) {
    log.info('decision refused', { by: person.name, reason: refusal })
    audit.add({ ...known, outcome: 'refused' })
    return reply(refusal)
  }
  const at = new Date(request.now).toISOString()
  const result = await decide(category.name, taskId, stored, { decision: pressed.decision, by, at }, person.names[0])
  if (result.status === 'already-decided') return reply(`Already decided. ${describeDecision(result.decision)}.`)
  if (result.status === 'ended')
    return reply(`This approval has ended. ${toSentence(result.reason)} Your decision has no effect.`)
  audit.add({ ...known, outcome: pressed.decision })
  if (result.status === 'counted')
    return reply(`${describeVotes(result.votes, result.count)}. Others have to decide, too.`)
  return response(buttons.confirm?.(pressed, describeDecision(result.decision)))
}

/** Adds the platform's id, because people can change their display name. */
function nameWithId({ name, names: [id] }: Person): string {
  return id === undefined || id === name ? name : `${name} (${id})`
}

function response(body: unknown): WebhookResponse {
  if (body !== undefined) return json(200, body)
  return { statusCode: 200, headers: { 'cache-control': 'no-store' }, body: '' }
}
