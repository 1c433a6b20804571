import type { CallOrigin } from '../../orchestrators/event/event.ts'
import type { Ask } from '../../policy/kinds/approval.ts'
import { describePeople } from '../../policy/people.ts'
import { redact } from '../../redact.ts'
import { type Details, notePart, type Part, partOf, requestPart, storedDetails } from '../../text/details.ts'
import type { Field } from '../../text/message.ts'
import { clipBytes } from '../../text/plain-text.ts'
import { clipSingleLine, singleLine } from '../../text/single-line.ts'
import { visible } from '../../text/visible.ts'
import type { ApprovalInput } from './input.ts'
import { fitText } from './message.ts'

const MAX_TITLE = 200
/** Bytes. All fields together leave room for the request. */
const MAX_FIELD = 120

/** The call that people approve. */
interface AskedCall {
  category: string
  action: string
  connection: string
  caller: string
  /** The person or the program that has signed in. */
  person?: string | undefined
  /** The operator who runs the call again. */
  operator?: string | undefined
  event: CallOrigin
  input?: unknown
}

/** The request that the call would send, for people, or why it is not known. */
export interface ShownRequest {
  /** In epoch milliseconds. */
  at: number
  request?: string | undefined
  error?: string | undefined
  /** The effect that the action declares. */
  effect?: string | undefined
}

/** Composes the input of the action that asks people for a call. */
export function composeRequest(
  call: AskedCall,
  rule: string | undefined,
  ask: Ask,
  shown: ShownRequest,
): ApprovalInput {
  const { channel, by, excluded, complete } = ask
  const { category, action, connection } = call
  const details = detailsOf(call, rule, ask, shown)
  const message = {
    mood: 'waiting' as const,
    title: clipSingleLine(`Approve ${category}/${action} with the connection "${connection}"?`, MAX_TITLE),
    // For an earlier version, which does not know `details`, and for the message when the approval is over.
    text: fitText(details).text,
    fields: fieldsOf(call, ask, shown),
    links: [],
  }
  return { channel, message, details, approvers: by, excluded, ...(complete ? { onPage: complete } : {}) }
}

function detailsOf(
  { caller, input }: AskedCall,
  rule: string | undefined,
  { count }: Ask,
  shown: ShownRequest,
): Details {
  const cause = rule === undefined ? `The entry of the caller ${caller}` : `The rule "${rule}" of the policy`
  const people = count === 1 ? 'an approval' : `approvals of ${count} people`
  const text = `${cause} requires ${people} before it starts. One rejection ends it.`
  return storedDetails(text, [partOf('Input', input), shownPart(shown)])
}

function shownPart({ at, request, error }: ShownRequest): Part {
  const time = `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  if (error !== undefined)
    return notePart('Request', `Not known, because a dry run failed at ${time}: ${singleLine(error)}`)
  const title = `Request as of ${time}`
  return request === undefined ? notePart(title, 'Nothing that is known before the start') : requestPart(title, request)
}

function fieldsOf({ caller, person, operator, event }: AskedCall, { by }: Ask, { effect }: ShownRequest): Field[] {
  const { project, stage, service } = event
  const fields = [
    ['Caller', caller],
    ['Signed in as', person],
    ['Run again by', operator],
    ['Effect', effect],
    ['For', [project, stage, service].filter(Boolean).join('/') || undefined],
    ['Decided by', by && describePeople(by)],
  ] as const
  return fields.flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: clipBytes(visible(redact(value)), MAX_FIELD) }],
  )
}
