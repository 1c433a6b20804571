import { Failure } from '../errors.ts'
import { addressFormat } from '../people/identity.ts'
import { isKnownAddress, type People, readPeople } from '../people/secret.ts'
import type { RouteRequest } from '../providers/category.ts'
import { redact } from '../redact.ts'
import type { Approval } from '../state/approvals.ts'
import type { LinkedApproval } from './find-approval.ts'
import { refusalFor } from './may-decide.ts'
import { open, readCookie, type Session, session } from './sealed-cookie.ts'

/** The sender of a request to the page. */
export type Decider =
  /** Anyone who has the link, under a name that is not verified. */
  | { type: 'anyone' }
  /** No one before a sign-in. */
  | { type: 'signed-out' }
  | {
      type: 'signed-in'
      /** With the verified address: `Jane Doe (jane@example.com)`. */
      by: string
      /** The verified address. */
      id: string | undefined
      /** Why the person may not decide. */
      refusal: string | undefined
    }

/**
 * Returns who decides with a request to the page.
 *
 * @throws Failure `misconfigured`, `unavailable`: no one may decide, because it is not known who
 */
export async function findDecider(
  { taskId, stored }: Pick<LinkedApproval, 'taskId' | 'stored'>,
  { headers, now }: Pick<RouteRequest, 'headers' | 'now'>,
): Promise<Decider> {
  const people = await readPeople()
  if (!people) {
    if (!stored.approval.needsSignIn) return { type: 'anyone' }
    throw new Failure('misconfigured', 'This approval needs a sign-in, but the secret people no longer exists.')
  }
  const cookie = readCookie(headers)
  const person = cookie === undefined ? undefined : await open(session, cookie, now)
  if (person?.taskId !== taskId) return { type: 'signed-out' }
  const { name, email } = person
  const by = redact(email === undefined || email === name ? name : `${name} (${email})`)
  return { type: 'signed-in', by, id: email, refusal: refusalOf(stored.approval, person, people) }
}

function refusalOf(
  approval: Approval,
  { name, email, isUnverified, group }: Session,
  people: People,
): string | undefined {
  if (email === undefined && isUnverified)
    return 'The provider of your account does not say that your e-mail address is verified. Verify it there, and sign in again. Nothing was changed.'
  if (email === undefined)
    return `Your account has no verified e-mail address that counts: it must be ${addressFormat(people)}. Nothing was changed.`
  const excludedIds = [approval.excluded ?? []].flat().map((one) => (isKnownAddress(one, people) ? one : undefined))
  const names = [email, ...(group === undefined ? [] : [group])]
  return refusalFor(approval, { name, names }, excludedIds)
}
