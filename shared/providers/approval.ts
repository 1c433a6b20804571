import * as z from 'zod/mini'
import { type Decision, inWords } from '../approvals/decision.ts'
import { bareName } from '../approvals/person.ts'
import { Failure } from '../errors.ts'
import { onOff, optional, seconds, word, words } from '../fields.ts'
import type { CallEvent } from '../orchestrators/keptn/event.ts'
import { passed } from '../outcome.ts'
import { clipSingleLine } from '../text/single-line.ts'
import type { ApprovalAction } from './action.ts'
import { cutText, cuttable, MAX_TEXT } from './cut-text.ts'
import type { Message, MessageContext, MessageProvider, Mood, PostedMessage } from './message.ts'
import type { SignedLink } from './provider.ts'
import { channelField, postedData, postedLinks, postOnce, resolveChannel } from './push-update.ts'

const askInput = z.strictObject({
  channel: channelField,
  question: optional(cuttable(MAX_TEXT, 'What is asked, below "Approve <task> of <service>?"')),
  approvers: optional(
    words('Who may decide: ids, user names or e-mail addresses; everybody in the channel where left out'),
  ),
  requester: optional(word('Who asks; with notRequester as the platform can look them up: an id or an e-mail address')),
  notRequester: optional(onOff('on: who asks may not decide')),
  remindBefore: optional(
    seconds(
      60,
      30 * 86_400,
      'How long before the deadline people are reminded, in seconds or like P1D; a tenth of the deadline, at most a day, where left out',
    ),
  ),
})

/** What people are asked. */
export interface Ask {
  channel: string | undefined
  message: Message
  approvers?: string[] | undefined
  requester?: string | undefined
  notRequester?: boolean | undefined
  remindBefore?: number | undefined
}

const week = 7 * 86_400

/** Asks people for approval, and waits for their decision. */
export function askApproval({
  summary,
  compose,
}: {
  summary: string
  /** What the event says, as a message. */
  compose(occasion: MessageContext): Message
}): ApprovalAction<MessageProvider, Ask, z.output<typeof askInput>> {
  return {
    type: 'approval',
    kind: 'message',
    needs: ['approvals'],
    summary,
    isNotification: true,
    input: askInput,
    outputs: ['id', 'url', 'decision', 'by', 'at', 'reason'],
    deadline: week,
    complete(input, from) {
      const { event, bridgeUrl, provider, note } = from
      const channel = resolveChannel(input.channel, from.connection, from.provider, true)
      const { approvers, requester, remindBefore } = input
      const question = input.question === undefined ? undefined : cutText('question', input.question, MAX_TEXT, note)
      const notRequester = input.notRequester === 'on'
      if ((approvers || notRequester) && !provider.buttons) {
        const field = approvers ? 'approvers' : 'notRequester'
        throw invalid(field, `can not be kept: with ${provider.title} people decide on a page that knows no names`)
      }
      if (notRequester && requester === undefined)
        throw invalid('requester', 'is missing: without it nobody knows who may not decide')
      if (notRequester && requester !== undefined && !provider.buttons?.isMemberName(bareName(requester)))
        throw invalid(
          'requester',
          `must be ${provider.buttons?.memberNameFormat} with notRequester, so that it can be looked up`,
        )
      const composed = compose({ event: { ...event, properties: {} }, bridgeUrl })
      const message = questionOf(composed, event, { question, requester })
      return { channel, message, approvers, requester, notRequester, remindBefore }
    },
    async run(provider, client, { channel, message }) {
      const { signedLink } = client
      if (!signedLink) throw new Error('There is nothing that leads to the question.')
      const posted = await postOnce(provider, client, channel, withChoices(message, signedLink))
      const where = channel ? ` in ${channel}` : ''
      return {
        outcome: passed(`Asked "${message.title}"${where}`, postedData(posted), postedLinks(provider, posted)),
        job: posted,
      }
    },
    approval: {
      requestOf: ({ message, approvers, requester, notRequester, remindBefore }) => ({
        message,
        approvers,
        requester: notRequester ? requester : undefined,
        remindBefore,
      }),
      loadStore: () => import('../approvals/books.ts'),
      hasButtons: ({ buttons }) => buttons !== undefined,
      automatic,
      async remind(provider, client, { message }, posted) {
        const reminder: Message = { mood: 'waiting', title: `Still open: ${message.title}`, fields: [], links: [] }
        await provider.reply?.(client, posted as PostedMessage, reminder)
      },
      async close(provider, client, { message }, posted, decision) {
        const show = provider.replace ?? provider.reply
        await show?.(client, posted as PostedMessage, settled(message, decision))
      },
      outcome(_input, asked, decision) {
        return {
          ...asked,
          result: decision?.decision === 'approve' ? 'pass' : 'fail',
          message: inWords(decision),
          data: { ...asked.data, ...answerOf(decision) },
        }
      },
    },
  }
}

function answerOf(decision: Decision | undefined): Record<string, unknown> {
  if (!decision) return { decision: 'expired' }
  const { by, at, reason } = decision
  return { decision: decision.decision === 'approve' ? 'approved' : 'rejected', by, at, ...(reason ? { reason } : {}) }
}

/**
 * Decides the standard task `approval` by the rule of Keptn's approval-service, which must agree with us on who answers: a
 * failed result is never approved, a pass or warning is approved if the strategy for it is `automatic`, and people decide
 * everything else, including a sequence that has no result yet.
 *
 * @see https://github.com/keptn/keptn/blob/master/approval-service/pkg/handler/approval_triggered_event_handler.go
 */
function automatic({ task, properties, data }: CallEvent): { result: 'pass' | 'fail'; message: string } | undefined {
  if (task !== 'approval') return undefined
  const result = data.result ?? data.evaluation?.['result']
  if (result === 'fail') return { result: 'fail', message: 'Not approved: the result so far is fail' }
  if ((result !== 'pass' && result !== 'warning') || properties[result] !== 'automatic') return undefined
  return { result: 'pass', message: `Approved automatically, since the result so far is ${result}` }
}

function questionOf(
  composed: Message,
  { task, data }: CallEvent,
  { question, requester }: Pick<z.output<typeof askInput>, 'question' | 'requester'>,
): Message {
  const { service, project, stage } = data
  const where = [project, stage].filter(Boolean).join('/')
  // The standard task is the approval itself: it is of the service.
  const what = task === 'approval' ? [service ?? 'this'] : [task ?? 'this', service && `of ${service}`]
  const about = [...what, where && `in ${where}`].filter(Boolean).join(' ')
  const requested = requester === undefined ? [] : [{ name: 'Requested by', value: requester }]
  return {
    mood: 'waiting',
    title: clipSingleLine(`Approve ${about}?`, 200),
    text: question ?? data.message,
    fields: [...requested, ...composed.fields],
    links: composed.links,
  }
}

function withChoices(message: Message, { token, url, deadlineAt }: SignedLink): Message {
  const until = `${new Date(deadlineAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return {
    ...message,
    fields: [...message.fields, { name: 'Decide until', value: until }],
    buttons: [
      { decision: 'approve', label: 'Approve', token, url },
      { decision: 'reject', label: 'Reject', token, url },
    ],
  }
}

const moods: Record<Decision['decision'], Mood> = { approve: 'good', reject: 'bad' }

/** The question, locked: what was decided, and nothing to click. */
function settled(message: Message, decision: Decision | undefined): Message {
  const decided = decision && { name: 'Decided at', value: `${decision.at.slice(0, 16).replace('T', ' ')} UTC` }
  return {
    ...message,
    mood: decision ? moods[decision.decision] : 'neutral',
    text: [message.text, inWords(decision)].filter(Boolean).join('\n\n'),
    fields: [...message.fields, ...(decided ? [decided] : [])],
  }
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', `${path} ${message}`, { errors: [{ path, message }] })
}
