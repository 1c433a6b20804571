import { registerSecret } from '../redact.ts'
import type { MessageButton } from '../text/message.ts'

/** The parts of a token: the task, the expiry in epoch seconds, and the signature or its first part, in hexadecimal. */
interface TokenParts {
  taskId: string
  expiresAt: number
  signature: string
}

const TASK_ID_BYTES = 20
const EXPIRY_BYTES = 5
/** 160 bits of the signature, which no one can guess. */
const SIGNATURE_BYTES = 20

/**
 * Returns decision and token of a button in few characters, for platforms whose buttons hold no complete token.
 *
 * @returns 61 characters of A-Z a-z 0-9 - and _
 */
export function compactButton({ decision, token }: Pick<MessageButton, 'decision' | 'token'>): string {
  const [taskId = '', expiry = '', signature = ''] = token.split('.')
  const bytes = Buffer.alloc(TASK_ID_BYTES + EXPIRY_BYTES + SIGNATURE_BYTES)
  bytes.write(taskId, 'hex')
  bytes.writeUIntBE(Number.parseInt(expiry, 36), TASK_ID_BYTES, EXPIRY_BYTES)
  bytes.write(signature.slice(0, 2 * SIGNATURE_BYTES), TASK_ID_BYTES + EXPIRY_BYTES, 'hex')
  const compact = bytes.toString('base64url')
  registerSecret(compact)
  return `${decision === 'approve' ? 'a' : 'r'}${compact}`
}

/** Returns decision and token of a text that `compactButton` returned. Undefined for any other text. */
export function parseCompactButton(text: string): Pick<MessageButton, 'decision' | 'token'> | undefined {
  const [, decision, token] = /^([ar])([\w-]{60})$/.exec(text) ?? []
  if (token === undefined) return undefined
  return { decision: decision === 'a' ? 'approve' : 'reject', token }
}

/** Returns the parts of a token that `compactButton` shortened. Undefined for any other text. */
export function parseCompactToken(text: string): TokenParts | undefined {
  if (!/^[\w-]{60}$/.test(text)) return undefined
  registerSecret(text)
  const bytes = Buffer.from(text, 'base64url')
  return {
    taskId: bytes.toString('hex', 0, TASK_ID_BYTES),
    expiresAt: bytes.readUIntBE(TASK_ID_BYTES, EXPIRY_BYTES),
    signature: bytes.toString('hex', TASK_ID_BYTES + EXPIRY_BYTES),
  }
}
