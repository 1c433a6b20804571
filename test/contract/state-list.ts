/** The states that a vendor lists. */
export interface StateList {
  /** The document of the vendor, and its version. */
  source: string
  /** The states as our provider writes them. */
  states: string[]
  place: Place
}

/** The place of a list of states in a contract. */
interface Place {
  contract: string
  /**
   * Returns the states as our providers write them.
   *
   * @param listed returns what the contract lists at a path
   */
  states(listed: (path: string) => string[]): string[]
}

export const SCHEMAS = 'components/schemas'

/** @param paths the lists of the contract */
export const from = (contract: string, ...paths: string[]): Place => ({
  contract,
  states: (listed) => paths.flatMap(listed),
})

export const aws = (contract: string, name: string) => from(contract, `${SCHEMAS}/${name}`)

/** States that are followed by a result once the state `ended` is reached: `DONE/PASSED`. */
export const withResults = (contract: string, object: string, state: string, ended: string, result: string): Place => ({
  contract,
  states: (listed) => [
    ...listed(`${object}/properties/${state}`).filter((name) => name !== ended),
    ...listed(`${object}/properties/${result}`).map((name) => `${ended}/${name}`),
  ],
})
