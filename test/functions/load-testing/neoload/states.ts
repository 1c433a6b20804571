import { SCHEMAS, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source:
    'api-evangelist/tricentis (copy of the vendor document), openapi/_original/tricentis-neoload-openapi.yaml @ 482edc4ae86f',
  states: [
    'INIT',
    'STARTING',
    'RUNNING',
    'UNKNOWN',
    'TERMINATED/POLICY/PASSED',
    'TERMINATED/POLICY/FAILED',
    'TERMINATED/POLICY/COMPUTING',
    'TERMINATED/POLICY/UNKNOWN',
    'TERMINATED/VARIABLE/PASSED',
    'TERMINATED/VARIABLE/FAILED',
    'TERMINATED/VARIABLE/COMPUTING',
    'TERMINATED/VARIABLE/UNKNOWN',
    'TERMINATED/MANUAL',
    'TERMINATED/LG_AVAILABILITY',
    'TERMINATED/LICENSE',
    'TERMINATED/FAILED_TO_START',
    'TERMINATED/CANCELLED',
    'TERMINATED/RESERVATION_ENDED',
    'TERMINATED/UNKNOWN',
  ],
  place: {
    contract: 'neoload',
    states(listed) {
      const result = `${SCHEMAS}/TestResultDefinition/properties`
      const ends = listed(`${result}/terminationReason`).flatMap((reason) =>
        reason === 'POLICY' || reason === 'VARIABLE'
          ? listed(`${result}/qualityStatus`).map((quality) => `${reason}/${quality}`)
          : [reason],
      )
      const now = listed(`${result}/status`).filter((state) => state !== 'TERMINATED')
      return [...now, ...ends.map((end) => `TERMINATED/${end}`)]
    },
  },
} satisfies StateList
