import type { Person } from '../providers/message.ts'
import type { Approval } from '../state/approvals.ts'

/** Removes what people and tools add to a name: `@jane`, `<@U012ABCDEF|jane>`, `<@&165511591545143296>`, `slack:U012ABCDEF`. */
export function bareName(name: string): string {
  const text = name.trim().replace(/^(?:slack|mattermost|discord|telegram):/i, '')
  return (/^<@[&!]?([^|>]+)(?:\|[^>]*)?>$/.exec(text)?.[1] ?? text).replace(/^@/, '')
}

/**
 * Returns why a person may not decide. Undefined if the person may decide.
 *
 * @param excludedIds the id of each member who may not decide. Undefined if the platform does not know the member
 */
export function refusalFor(
  { approvers, excluded: names = [] }: Pick<Approval, 'approvers' | 'excluded'>,
  person: Person,
  excludedIds: readonly (string | undefined)[] = [],
): string | undefined {
  const excluded = [names].flat()
  const isExcluded = excluded.some((name, index) => isPerson(person, name, excludedIds[index]))
  if (isExcluded) return 'You requested this approval, so another person has to decide.'
  // An unknown requester could be this person.
  const unknown = excluded.find((_, index) => excludedIds[index] === undefined)
  if (unknown !== undefined)
    return `The requester ("${unknown}") is not known here, so it may be you. Nothing was changed.`
  const isApprover = (approver: string) => isOneOf(person.names, approver) || bareName(approver) === person.exactName
  if (approvers && !approvers.some(isApprover))
    return `Only ${approvers.join(', ')} may decide this. Nothing was changed.`
  return undefined
}

/** @param id of the named member. Undefined if the platform does not know it */
function isPerson(
  { name: shown, names, exactName, ambiguousName }: Person,
  name: string,
  id: string | undefined,
): boolean {
  return isOneOf([...names, exactName, ambiguousName, shown], name) || (id !== undefined && isOneOf(names, id))
}

function isOneOf(all: readonly (string | undefined)[], wanted: string): boolean {
  return all.some((known) => known?.toLowerCase() === bareName(wanted).toLowerCase())
}
