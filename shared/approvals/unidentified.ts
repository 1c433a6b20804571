import { addressFormat, approverFormat, unknownApprover } from '../people/identity.ts'
import { isKnownAddress, type People } from '../people/secret.ts'
import { GROUP } from '../policy/people.ts'
import type { MessageProvider } from '../providers/message.ts'
import { bareName } from './may-decide.ts'
import { type ApprovalInput, dependsOnPeople } from './request/input.ts'

type Deciders = Pick<ApprovalInput, 'approvers' | 'excluded'>
type Platform = Pick<MessageProvider, 'buttons' | 'process'>

/** It matters who decides, and no one knows. */
type Unidentified =
  | { type: 'everyone' }
  /** `format` describes the names that are accepted, for messages. Undefined if the platform accepts every name, but no group. */
  | { type: 'approver' | 'requester'; name: string; format: string | undefined }

/** Whether people have to sign in: the platform does not identify them, and it matters who decides. */
export function needsSignIn({ buttons, process }: Platform, deciders: Deciders, count?: number): boolean {
  return !buttons && !process && dependsOnPeople(deciders, count)
}

/**
 * Finds people whom neither the platform nor a sign-in identifies.
 *
 * @param people the sign-in of people, if they have to sign in
 */
export function findUnidentified(
  { buttons }: Platform,
  people: People | undefined,
  deciders: Deciders,
  count?: number,
): Unidentified | undefined {
  if (!buttons && !people) return dependsOnPeople(deciders, count) ? { type: 'everyone' } : undefined
  const { approvers, excluded = [] } = deciders
  const approver = people ? unknownApprover(people, approvers) : unverifiableApprover(buttons, approvers)
  if (approver !== undefined)
    return { type: 'approver', name: approver, format: people ? approverFormat(people) : buttons?.approverIds?.format }
  const isKnown = (name: string) => (people ? isKnownAddress(name, people) : buttons?.isMemberName(bareName(name)))
  const requester = [excluded].flat().find((name) => !isKnown(name))
  if (requester === undefined) return undefined
  return { type: 'requester', name: requester, format: people ? addressFormat(people) : buttons?.memberNameFormat }
}

/**
 * Returns a name that the platform cannot verify, if there is one: some platforms verify ids only, and none knows the groups of an OpenID
 * provider.
 */
function unverifiableApprover(
  buttons: MessageProvider['buttons'],
  approvers: readonly string[] = [],
): string | undefined {
  const { pattern } = buttons?.approverIds ?? {}
  return approvers.find((approver) => approver.startsWith(GROUP) || (pattern && !pattern.test(bareName(approver))))
}
