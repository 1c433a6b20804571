import { checkPrimeSync, createHash, createPrivateKey, type KeyObject } from 'node:crypto'

const EXPONENT = 65_537n
/** Short, because each start of the runtime computes a key. */
const PRIME_BYTES = 64
const keys = new Map<string, KeyObject>()

/**
 * Returns the RSA key (1,024 bits) of a seed. Both sides of an engine derive it, in any process, from their common secret.
 * Only as secret as the seed, and for the sandbox only.
 */
export function rsaKeyOf(seed: string): KeyObject {
  const known = keys.get(seed)
  if (known) return known
  const [p, q] = [primeOf(`${seed} p`), primeOf(`${seed} q`)]
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n))
  const numbers = { n: p * q, e: EXPONENT, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const fields = Object.entries(numbers).map(([name, value]) => [name, base64url(value)])
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...Object.fromEntries(fields) } })
  keys.set(seed, key)
  return key
}

/** Returns the first prime from a number that depends on the seed. Its two highest bits are set, so that all keys have one length. */
function primeOf(seed: string): bigint {
  const bytes = createHash('shake256', { outputLength: PRIME_BYTES }).update(seed).digest()
  bytes[0] = (bytes[0] ?? 0) | 0xc0
  let candidate = BigInt(`0x${bytes.toString('hex')}`) | 1n
  while ((candidate - 1n) % EXPONENT === 0n || !checkPrimeSync(candidate)) candidate += 2n
  return candidate
}

/** Returns the inverse of `value` modulo `modulus`. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b, x, y] = [b, a - quotient * b, y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}

function base64url(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}
