/** Random values that depend only on the seed. */
export interface Random {
  /** Returns a number from 0 to below 1. */
  next(): number
  /** Returns an integer from `min` to `max`. */
  integer(min: number, max: number): number
  chance(share: number): boolean
  pick<T>(of: readonly T[]): T
  /** Returns a value with a probability proportional to its weight. */
  weighed<T extends { weight: number }>(of: readonly T[]): T
  uuid(): string
}

/**
 * Returns a generator. Each purpose has its own one, so that an additional value does not change those of others.
 *
 * @param seed the seed of the run
 * @param about the purpose, such as `call 17`
 */
export function randomOf(seed: number, about: string): Random {
  let state = hash(`${seed} ${about}`)
  // Mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  const pick = <T>(of: readonly T[]): T => {
    const at = integer(0, of.length - 1)
    if (at >= of.length) throw new Error('Cannot pick from an empty list.')
    return of[at] as T
  }
  return {
    next,
    integer,
    chance: (share) => next() < share,
    pick,
    weighed: (of) => {
      let left = next() * of.reduce((sum, { weight }) => sum + weight, 0)
      for (const one of of) {
        left -= one.weight
        if (left < 0) return one
      }
      return pick(of)
    },
    uuid: () => {
      const hex = Array.from({ length: 32 }, () => integer(0, 15).toString(16)).join('')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
    },
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value | 0
}
