import { verifiedEmailOf } from '../auth/verified-email.ts'
import { GROUP } from '../policy/people.ts'
import { toPlainText } from '../text/plain-text.ts'
import { clipSingleLine } from '../text/single-line.ts'
import { isKnownAddress, type People } from './secret.ts'

/** The brackets of all alphabets. */
const BRACKETS = /[\p{Ps}\p{Pe}<>＜＞]/gu
const MAX_NAME = 100

/** A person as an OpenID provider identifies the person. */
export interface Identity {
  /** The name to show. People may be able to change it. */
  name: string
  /** The address that identifies the person: verified, with a domain that counts. Undefined if there is none. */
  email?: string | undefined
  /** The provider does not say that it has verified the address. */
  isUnverified?: true | undefined
  /** The groups in the form of approvers: `group:sre`. */
  groups: string[]
}

/** Returns the identity in verified claims. */
export function identityOf(claims: Record<string, unknown>, people: People): Identity {
  const verified = verifiedEmailOf(claims)
  const email = verified !== undefined && isKnownAddress(verified, people) ? verified : undefined
  const names = [claims['name'], claims['preferred_username'], claims['email'], claims['sub']].filter(isText)
  const shown = names.map((name) => clipSingleLine(withoutBrackets(toPlainText(name)), MAX_NAME))
  const isUnverified = isText(claims['email']) && claims['email_verified'] !== true ? true : undefined
  return { name: shown.find((name) => name !== '') ?? '', email, isUnverified, groups: groupsOf(claims, people) }
}

/** Removes brackets: in them, the names of people have an id that was verified. */
export function withoutBrackets(name: string): string {
  return name.replace(BRACKETS, ' ')
}

/** Some providers send a single group as a text. */
function groupsOf(claims: Record<string, unknown>, { groupsClaim }: People): string[] {
  const groups = groupsClaim === undefined ? [] : [claims[groupsClaim]].flat()
  return groups.filter(isText).map((group) => `${GROUP}${group}`)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Describes how people are listed whom a sign-in identifies, for messages. */
export function approverFormat(people: People): string {
  const address = addressFormat(people)
  return people.groupsClaim === undefined ? address : `${address}, or ${GROUP}<name>`
}

/** @example 'an e-mail address of example.com' */
export function addressFormat({ domains }: Pick<People, 'domains'>): string {
  return `an e-mail address of ${domains.join(' or ')}`
}

/** Returns an approver whom no sign-in identifies, if there is one. */
export function unknownApprover(people: People, approvers: readonly string[] = []): string | undefined {
  const isKnown = (name: string) =>
    name.startsWith(GROUP) ? people.groupsClaim !== undefined : isKnownAddress(name, people)
  return approvers.find((name) => !isKnown(name))
}
