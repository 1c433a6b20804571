import * as z from 'zod/mini'
import { NOTIFICATION } from '../core/call.ts'
import { invalidInput } from '../errors.ts'
import { onOff, optional, seconds, word, words } from '../fields.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import { passed } from '../outcome.ts'
import { type People, readPeople } from '../people/secret.ts'
import type { ApprovalAction, CallContext } from '../providers/action.ts'
import { cutText, cuttable, MAX_TEXT } from '../providers/cut-text.ts'
import type { Link, Message, MessageContext, MessageProvider } from '../providers/message.ts'
import { channelField, postedData, postedLinks, postOnce, resolveChannel } from '../providers/push-update.ts'
import { settings } from '../settings.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { READ } from './page-url.ts'
import type { ApprovalInput } from './request/input.ts'
import { requestMessage } from './request/message.ts'
import { findUnidentified, needsSignIn } from './unidentified.ts'

const inputSchema = z.strictObject({
  channel: channelField,
  question: optional(cuttable(MAX_TEXT, 'The text below "Approve <task> of <service>?"')),
  approvers: optional(
    words('The people who may decide: ids, user names or e-mail addresses. Defaults to everybody in the channel'),
  ),
  requester: optional(
    word('The person who asks. With notRequester: an id or an e-mail address that the platform can look up'),
  ),
  notRequester: optional(onOff('on: the requester may not decide')),
  remindBefore: optional(
    seconds(
      60,
      30 * 86_400,
      'When to send a reminder, in seconds before the deadline or like P1D. Defaults to a tenth of the deadline, at most a day',
    ),
  ),
})

const WEEK_SECONDS = 7 * 86_400
const MAX_TITLE = 200

/** The input that a caller sends, and where people sign in, if it matters who decides on the page. */
type Asked = z.output<typeof inputSchema> & { people?: People | undefined }

/** Declares the action that requests an approval and waits for the decision. */
export function requestApproval({
  summary,
  compose,
}: {
  summary: string
  /** Composes the message about the event. */
  compose(context: MessageContext): Message
}): ApprovalAction<MessageProvider, ApprovalInput, Asked> {
  return {
    type: 'approval',
    kind: 'message',
    effect: 'reversible',
    needs: ['approvals'],
    summary,
    isNotification: true,
    input: inputSchema,
    outputs: ['id', 'url', 'decision', 'by', 'at', 'reason'],
    deadline: WEEK_SECONDS,
    async prepare(input: z.output<typeof inputSchema>, { provider }) {
      const deciders = { approvers: input.approvers, excluded: input.notRequester === 'on' ? [] : undefined }
      return needsSignIn(provider, deciders) ? { ...input, people: await readPeople() } : input
    },
    complete: (input, context) => completeApproval(input, context, compose),
    async run(provider, client, input) {
      const { channel, message } = input
      const { signedLink } = client
      if (!signedLink) throw new Error('An approval needs a signed link.')
      const request = requestMessage(input, provider, signedLink)
      // People decide at the platform.
      if (provider.process) delete request.buttons
      const posted = await postOnce(provider, client, channel, request)
      const place = channel ? ` in ${channel}` : ''
      return {
        type: 'started',
        outcome: passed(`Asked "${message.title}"${place}`, postedData(posted), postedLinks(provider, posted)),
        job: posted,
        wakeId: provider.notifiedBy?.wakeId(posted),
      }
    },
    decideAutomatically,
    async signLink(taskId, apiUrl = `${settings.apiUrl}/v1/${NOTIFICATION}`, expiresAt) {
      const { signToken } = await import('./signed-link.ts')
      const token = await signToken(taskId, expiresAt)
      const readToken = await signToken(taskId, expiresAt, READ)
      const base = `${apiUrl}/approvals`
      return { token, url: `${base}/${token}`, readUrl: `${base}/${readToken}/${READ}` }
    },
    async cancel(category, taskId, canceler) {
      const { cancelApproval } = await import('./cancel.ts')
      await cancelApproval(category, taskId, canceler)
    },
    async loadTask() {
      return (await import('./run-task.ts')).runTask
    },
  }
}

/**
 * Checks who may decide, and who may not.
 *
 * @throws Failure `invalid`
 */
function checkPeople({ approvers, requester, notRequester, people }: Asked, provider: MessageProvider): void {
  const isRequesterExcluded = notRequester === 'on'
  const excluded = isRequesterExcluded ? [requester ?? []].flat() : undefined
  const unidentified = findUnidentified(provider, people, { approvers, excluded })
  if (unidentified?.type === 'everyone') {
    const field = approvers ? 'approvers' : 'notRequester'
    const problem = `is not supported: with ${provider.title}, people decide on a page that cannot identify them`
    throw invalidInput(`input.${field}`, problem)
  }
  if (unidentified?.type === 'approver') {
    const { name, format = 'ids, user names or e-mail addresses' } = unidentified
    throw invalidInput('input.approvers', `must be ${format}, but has "${name}"`)
  }
  if (isRequesterExcluded && requester === undefined)
    throw invalidInput('input.requester', 'is missing: with notRequester, send who may not decide')
  if (unidentified === undefined) return
  const purpose = people ? '' : ', so that the platform can look it up'
  throw invalidInput('input.requester', `must be ${unidentified.format} with notRequester${purpose}`)
}

/**
 * Checks who may decide, and composes the message.
 *
 * @throws Failure `invalid`
 */
function completeApproval(
  input: Asked,
  { event, caller, sequenceUrl, connection, provider, note }: CallContext<MessageProvider>,
  compose: (context: MessageContext) => Message,
): ApprovalInput {
  const { approvers, requester, remindBefore } = input
  const isRequesterExcluded = input.notRequester === 'on'
  const channel = resolveChannel(input.channel, connection, provider, true)
  const question = input.question === undefined ? undefined : cutText('question', input.question, MAX_TEXT, note)
  checkPeople(input, provider)
  const composed = compose({ event: { ...event, properties: {} }, sequenceUrl })
  const sequence = URL.parse(sequenceUrl ?? '')?.href
  const links = composed.links.map((link) => (link.url === sequence ? link : withHost(link)))
  const message = messageOf({ ...composed, links }, event, { caller, question, requester })
  const excluded = isRequesterExcluded ? requester : undefined
  return { channel, message, approvers, excluded, remindBefore, ...(provider.process ? { isPolled: true } : {}) }
}

/**
 * Decides the standard task `approval` like Keptn's approval-service, which must agree on who answers the event: a failed
 * result is never approved, a pass or warning is approved if the strategy for it is `automatic`, and people decide everything
 * else, including a sequence without a result.
 *
 * @see https://github.com/keptn/keptn/blob/master/approval-service/pkg/handler/approval_triggered_event_handler.go
 */
function decideAutomatically({ task, properties, data }: CallEvent) {
  if (task !== 'approval') return undefined
  const result = data.result ?? data.evaluation?.['result']
  if (result === 'fail') return { result: 'fail' as const, message: 'Not approved: the result so far is fail' }
  if ((result !== 'pass' && result !== 'warning') || properties[result] !== 'automatic') return undefined
  return { result: 'pass' as const, message: `Approved automatically, because the result so far is ${result}` }
}

function messageOf(
  composed: Message,
  { task, data }: CallEvent,
  { caller, question, requester }: Pick<CallContext, 'caller'> & Pick<Asked, 'question' | 'requester'>,
): Message {
  const { service, project, stage } = data
  const place = [project, stage].filter(Boolean).join('/')
  // The standard task `approval` approves the service, and so does a call without a task.
  const subject = task === 'approval' || !task ? [service ?? 'this'] : [task, service && `of ${service}`]
  const title = `Approve ${[...subject, place && `in ${place}`].filter(Boolean).join(' ')}?`
  // The caller chooses the requester, but not its own name.
  const asking = [
    ['Caller', caller],
    ['Requested by', requester],
  ] as const
  const requested = asking.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))
  return {
    mood: 'waiting',
    title: clipSingleLine(title, MAX_TITLE),
    text: question ?? data.message,
    fields: [...requested, ...composed.fields],
    links: composed.links,
  }
}

/**
 * Shows where a link leads. Its label may come from the caller that triggers a sequence, and some platforms show links as buttons, so
 * no link may look like the one that decides.
 */
function withHost({ label, url }: Link): Link {
  const host = URL.parse(url)?.host ?? ''
  return { label: /\b(?:approve|reject|decide)/i.test(label) ? host : `${host}: ${label}`, url }
}
