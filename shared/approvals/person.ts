import type { Person } from '../shapes/message.ts'
import type { Question } from './store.ts'

/** Why somebody may not decide; undefined where they may. */
export function refusalOf({ approvers, requester }: Question, { names, exactly, unsafe }: Person): string | undefined {
  const bare = (name: string) => name.trim().replace(/^@/, '')
  const isOneOf = (all: readonly (string | undefined)[], name: string) =>
    all.some((one) => one?.toLowerCase() === bare(name).toLowerCase())
  // Some platforms keep e-mail addresses from us: who is only known by theirs could be anybody.
  if (requester?.includes('@', 1) && !names.some((name) => name.includes('@', 1)))
    return 'Who has asked for this is named by an e-mail address, and yours can not be seen here, so it may be you.'
  if (requester !== undefined && isOneOf([...names, exactly, unsafe], requester))
    return 'You have asked for this yourself, so somebody else has to decide.'
  if (approvers && !approvers.some((name) => isOneOf(names, name) || bare(name) === exactly))
    return `Only ${approvers.join(', ')} may decide this. Nothing was changed.`
  return undefined
}
