import { createPrivateKey, createSign, type KeyObject } from 'node:crypto'
import { Failure } from '../../errors.ts'
import { registerSecret } from '../../redact.ts'

/** Load this module with `import()`: node:crypto takes long to load. */

/**
 * Returns a JSON Web Token that is signed with an RSA key, and registers it for masking.
 *
 * @param privateKey PEM, PKCS#1 or PKCS#8
 * @param owner whose key it is, for messages: `the GitHub App`
 * @throws Failure `misconfigured`
 */
export function signJwt(claims: object, privateKey: string, owner: string): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  const signature = createSign('RSA-SHA256').update(signed).sign(keyOf(privateKey, owner), 'base64url')
  const token = `${signed}.${signature}`
  registerSecret(token)
  return token
}

function keyOf(privateKey: string, owner: string): KeyObject {
  let key: KeyObject | undefined
  try {
    // A value of one line has \n instead of line breaks.
    key = createPrivateKey(privateKey.replaceAll('\\n', '\n'))
  } catch {
    // Without the cause: its message could quote the key.
  }
  if (key?.asymmetricKeyType === 'rsa') return key
  throw new Failure('misconfigured', `privateKey must be the RSA private key of ${owner}: a PEM file.`)
}
