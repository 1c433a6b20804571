import { messageOf } from '../../../shared/errors.ts'

/** One line of the doctor's. */
export interface Finding {
  what: string
  /** `note`: nothing is wrong, but there is something to know. */
  state: 'ok' | 'note' | 'wrong'
  found: string
  /** What to do, where something is to be done. */
  advice?: string
}

export function ok(what: string, found: string): Finding {
  return { what, state: 'ok', found }
}

export function noted(what: string, found: string, advice?: string): Finding {
  return { what, state: 'note', found, ...(advice ? { advice } : {}) }
}

export function wrong(what: string, found: string, advice: string): Finding {
  return { what, state: 'wrong', found, advice }
}

/** Looks, and has something to say whatever happens. */
export async function found(what: string, advice: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (error) {
    return [wrong(what, messageOf(error), advice)]
  }
}
