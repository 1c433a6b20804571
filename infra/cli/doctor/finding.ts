import { messageOf } from '../../../shared/errors.ts'

/** One line of the doctor's output. */
export interface Finding {
  what: string
  /** `note`: not an error, but worth knowing. */
  state: 'ok' | 'note' | 'wrong'
  found: string
  /** Recommended action. */
  advice?: string
}

export function okFinding(what: string, found: string): Finding {
  return { what, state: 'ok', found }
}

export function noteFinding(what: string, found: string, advice?: string): Finding {
  return { what, state: 'note', found, ...(advice ? { advice } : {}) }
}

export function wrongFinding(what: string, found: string, advice: string): Finding {
  return { what, state: 'wrong', found, advice }
}

/** Runs a check. An error becomes a finding. */
export async function findingsOf(what: string, advice: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    return [wrongFinding(what, messageOf(error), advice)]
  }
}
