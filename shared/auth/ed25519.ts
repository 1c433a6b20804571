import { createPublicKey, verify } from 'node:crypto'

/**
 * Returns whether a text has an Ed25519 signature.
 *
 * @param publicKey 64 hexadecimal digits
 * @param signature 128 hexadecimal digits
 */
export function hasSignature(publicKey: string, text: string, signature: string): boolean {
  const x = Buffer.from(publicKey, 'hex').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'hex'))
}
