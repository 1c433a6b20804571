import { isRecord } from '../../../shared/record.ts'
import { isCredential, MIN_SECRET_LENGTH } from '../../../shared/redact.ts'
import { isSecretField } from '../../local/console/masked-request.ts'
import type { Warning } from '../secrets/weak-secrets.ts'

/** Fields without expressions. Their secrets are marked. */
const WITHOUT_EXPRESSIONS = ['baseUrl', 'token', 'username', 'password', 'headers', 'secretHeaders', 'secrets', 'ca']
/** A string of JMESPath, with the name of its property. */
const LITERAL = /(?:([A-Za-z_]\w*|"[^"]*")\s*:\s*)?'((?:\\.|[^'\\])*)'/g
const NAMED_CREDENTIAL = /^(?:token|secret|password|api-?key|bearer|basic)[ :=]+\S{6,}$/i

/** A literal in an expression that may be a credential. */
interface CredentialLiteral {
  /** Its field in the connection: `open.body`. */
  field: string
  value: string
}

/** Finds the literals in the expressions of an http connection that may be credentials. The functions do not mask literals. */
export function credentialLiterals(connection: Record<string, unknown>): CredentialLiteral[] {
  if (!/^http(?:-|$)/.test(String(connection['provider']))) return []
  const entries = Object.entries(connection).filter(([name]) => !WITHOUT_EXPRESSIONS.includes(name))
  return entries.flatMap(([name, value]) => literalsIn(value, name, name))
}

export function literalWarnings(connection: Record<string, unknown>): Warning[] {
  const fields = new Set(credentialLiterals(connection).map(({ field }) => field))
  return [...fields].map((field) => ({
    found: `${field} contains a literal that may be a credential`,
    advice: 'Move it to "secrets" of the connection, and write secrets.<name> in the expression.',
  }))
}

/** @param name of the property, parameter or header that gets the value */
export function isCredentialValue(value: string, name = ''): boolean {
  if (value.length < MIN_SECRET_LENGTH) return false
  if (isSecretField(name) || (isCredential(name.replace(/author/i, '')) && /\d/.test(value))) return true
  return NAMED_CREDENTIAL.test(value) || isRandom(value)
}

/** Returns whether a text contains a token such as those of GitHub and Telegram. Ids usually have only hexadecimal digits. */
export function isRandom(text: string): boolean {
  return tokensIn(text).length > 0
}

function tokensIn(text: string): string[] {
  const runs = text.match(/[A-Za-z\d]{20,}/g) ?? []
  return runs.filter((run) => /\d/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run))
}

function literalsIn(value: unknown, name: string, field: string): CredentialLiteral[] {
  if (typeof value === 'string') return valuesIn(value, name).map((found) => ({ field, value: found }))
  if (Array.isArray(value))
    return value.flatMap((item, index) => literalsIn(item, name, value.length === 1 ? field : `${field}[${index}]`))
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([part, item]) => literalsIn(item, part, `${field}.${part}`))
}

function valuesIn(text: string, name: string): string[] {
  const literals = [...text.matchAll(LITERAL)].map(([, property = name, literal = '']) => ({ property, literal }))
  const found = literals.filter(({ property, literal }) => isCredentialValue(literal, property))
  const values = found.map(({ literal }) => literal)
  return name === 'path' ? [...values, ...tokensIn(text.replace(/\{[^{}]*\}/g, '/'))] : values
}
