/** The name of an approver that stands for a group of people: `group:sre`. */
export const GROUP = 'group:'
const MAX_NAMES = 3

/**
 * Lists people for a sentence.
 *
 * @example 'jane@example.com, U012ABCDEF and 4 others'
 */
export function describePeople(people: readonly string[]): string {
  const [shown, others] = [people.slice(0, MAX_NAMES).join(', '), people.length - MAX_NAMES]
  return others > 0 ? `${shown} and ${others} ${others === 1 ? 'other' : 'others'}` : shown
}
