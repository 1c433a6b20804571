/** Random values that depend on their seed alone. */
export interface Random {
  /** From 0 to below 1. */
  next(): number
  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number
  chance(share: number): boolean
  pick<T>(of: readonly T[]): T
  /** One of those with a weight, as often as that says. */
  weighed<T extends { weight: number }>(of: readonly T[]): T
  uuid(): string
}

/**
 * A generator of its own for each thing that is planned, so that one more value for one of them changes no other.
 *
 * @param seed of the whole run
 * @param about what the values are for, such as `call 17`
 */
export function randomOf(seed: number, about: string): Random {
  let state = hash(`${seed} ${about}`)
  // Mulberry32: small, and good enough to choose faults with.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  const pick = <T>(of: readonly T[]): T => {
    const at = whole(0, of.length - 1)
    if (at >= of.length) throw new Error('There is nothing to pick from.')
    return of[at] as T
  }
  return {
    next,
    whole,
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
      const hex = Array.from({ length: 32 }, () => whole(0, 15).toString(16)).join('')
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
