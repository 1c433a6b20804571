import { invalidInput } from '../../errors.ts'
import { originOf } from '../event/event.ts'
import type { OrchestratorType } from '../orchestrator.ts'

/** For engines that read the status of a task instead of receiving an answer. Nothing is sent. */
export const pollType: OrchestratorType = {
  connect: () => ({
    parse({ event }) {
      const { id } = event
      if (id === undefined)
        throw invalidInput('id', 'is required, so that a repeat of the call is the same task: send id, or ?key=<id>')
      return { ...originOf(event), id }
    },
    send: async () => 'sent',
    check: async () => {},
  }),
}
