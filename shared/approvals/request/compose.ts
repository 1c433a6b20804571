import type { CallOrigin } from '../../orchestrators/event/event.ts'
import type { Ask } from '../../policy/kinds/approval.ts'
import { describePeople } from '../../policy/people.ts'
import { redact } from '../../redact.ts'
import type { Field, Message } from '../../text/message.ts'
import { clipSingleLine } from '../../text/single-line.ts'
import type { ApprovalInput } from './input.ts'

const MAX_TITLE = 200
/** Slack shows 3,000 characters of the text with the input and the request, but only 300 of a field. */
const MAX_SHOWN = 1_200

/** The call that people approve. */
interface AskedCall {
  category: string
  action: string
  connection: string
  caller: string
  event: CallOrigin
  input?: unknown
}

/** The request that the call would send, for people, or why it is not known. */
export interface ShownRequest {
  /** In epoch milliseconds. */
  at: number
  request?: string | undefined
  error?: string | undefined
}

/** Composes the input of the action that asks people for a call. */
export function composeRequest(
  call: AskedCall,
  rule: string | undefined,
  ask: Ask,
  shown: ShownRequest,
): ApprovalInput {
  const { channel, by, excluded } = ask
  return { channel, message: messageOf(call, rule, ask, shown), approvers: by, excluded }
}

/** Composes the request. Each platform escapes the texts of callers and platforms. */
function messageOf(call: AskedCall, rule: string | undefined, { count, by }: Ask, shown: ShownRequest): Message {
  const { category, action, connection, caller, event, input } = call
  const { project, stage, service } = event
  const place = [project, stage, service].filter(Boolean).join('/')
  const cause = rule === undefined ? `The entry of the caller ${caller}` : `The rule "${rule}" of the policy`
  const people = count === 1 ? 'an approval' : `approvals of ${count} people`
  const fields: [string, string | undefined][] = [
    ['Caller', caller],
    ['For', place || undefined],
    ['Decided by', by && describePeople(by)],
  ]
  const content = [['Input', JSON.stringify(input)] as const, requestOf(shown)]
  const paragraphs = content.map(([name, value]) => `${name}: ${cut(redact(value))}`)
  return {
    mood: 'waiting',
    title: clipSingleLine(`Approve ${category}/${action} with the connection "${connection}"?`, MAX_TITLE),
    text: [`${cause} requires ${people} before it starts. One rejection ends it.`, ...paragraphs].join('\n\n'),
    fields: fields.flatMap(([name, value]): Field[] => (value === undefined ? [] : [{ name, value: redact(value) }])),
    links: [],
  }
}

function requestOf({ at, request, error }: ShownRequest): readonly [name: string, value: string] {
  const time = `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  if (error !== undefined) return ['Request', `Not known, because a dry run failed at ${time}: ${error}`]
  return [`Request as of ${time}`, request ?? 'Nothing that is known before the start']
}

/** People must see that they do not see everything. */
function cut(text: string): string {
  const hidden = text.length - MAX_SHOWN
  return hidden > 0 ? `${text.slice(0, MAX_SHOWN)} … (${hidden} more characters)` : text
}
