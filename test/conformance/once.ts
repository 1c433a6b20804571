import type { Once } from '../../shared/providers/once.ts'

/** Whether a retry can find what an attempt whose response was lost has written. */
export function isFindable({ by, newest }: Once): boolean {
  return by !== 'nothing' && newest !== 'none'
}

/** Whether the platform itself treats two writes with one key as one. */
export function hasPlatformKey({ by, keyLasts }: Once): boolean {
  return by === 'platform-key' || keyLasts !== undefined
}
