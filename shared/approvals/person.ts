import type { Person } from '../providers/message.ts'
import type { Approval } from './store.ts'

/** Removes what people and tools add to a name: `@jane`, `<@U012ABCDEF|jane>`, `<@&165511591545143296>`, `slack:U012ABCDEF`. */
export function bareName(name: string): string {
  const text = name.trim().replace(/^(?:slack|mattermost|discord|telegram):/i, '')
  return (/^<@[&!]?([^|>]+)(?:\|[^>]*)?>$/.exec(text)?.[1] ?? text).replace(/^@/, '')
}

/**
 * Returns why a person may not decide. Undefined if the person may decide.
 *
 * @param excludedId the id of the member who may not decide. Undefined if the platform does not know the member
 */
export function refusalFor(
  { approvers, excluded }: Pick<Approval, 'approvers' | 'excluded'>,
  { name, names, exactName, ambiguousName }: Person,
  excludedId: string | undefined,
): string | undefined {
  const isOneOf = (all: readonly (string | undefined)[], wanted: string) =>
    all.some((known) => known?.toLowerCase() === bareName(wanted).toLowerCase())
  if (excluded !== undefined) {
    const isExcluded =
      isOneOf([...names, exactName, ambiguousName, name], excluded) ||
      (excludedId !== undefined && isOneOf(names, excludedId))
    if (isExcluded) return 'You requested this approval, so another person has to decide.'
    // An unknown requester could be this person.
    if (excludedId === undefined)
      return `The requester ("${excluded}") is not known here, so it may be you. Nothing was changed.`
  }
  if (approvers && !approvers.some((approver) => isOneOf(names, approver) || bareName(approver) === exactName))
    return `Only ${approvers.join(', ')} may decide this. Nothing was changed.`
  return undefined
}
