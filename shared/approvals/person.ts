import type { Person } from '../providers/message.ts'
import type { Question } from './store.ts'

/** A name without what people and tools put around it: `@jane`, `<@U012ABCDEF|jane>`, `slack:U012ABCDEF`. */
export function bareName(name: string): string {
  const text = name.trim().replace(/^(?:slack|mattermost):/i, '')
  return (/^<@([^|>]+)(?:\|[^>]*)?>$/.exec(text)?.[1] ?? text).replace(/^@/, '')
}

/**
 * Why somebody may not decide; undefined if they may.
 *
 * @param requesterId the id of the member who asked, as the platform knows it; undefined if it does not know such a member
 */
export function refusalOf(
  { approvers, requester }: Pick<Question, 'approvers' | 'requester'>,
  { name, names, exactName, ambiguousName }: Person,
  requesterId: string | undefined,
): string | undefined {
  const isOneOf = (all: readonly (string | undefined)[], wanted: string) =>
    all.some((one) => one?.toLowerCase() === bareName(wanted).toLowerCase())
  if (requester !== undefined) {
    if (
      isOneOf([...names, exactName, ambiguousName, name], requester) ||
      (requesterId !== undefined && isOneOf(names, requesterId))
    )
      return 'You have asked for this yourself, so somebody else has to decide.'
    // Somebody unknown could be anybody.
    if (requesterId === undefined)
      return `Who has asked for this ("${requester}") was not found here, so it may be you. Nothing was changed.`
  }
  if (approvers && !approvers.some((one) => isOneOf(names, one) || bareName(one) === exactName))
    return `Only ${approvers.join(', ')} may decide this. Nothing was changed.`
  return undefined
}
