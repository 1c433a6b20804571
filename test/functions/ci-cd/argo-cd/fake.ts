import { type JobRow, startWith } from '../../../conformance/row.ts'
import { startArgoCd } from './server.ts'

type ArgoCd = Awaited<ReturnType<typeof startArgoCd>>

export const jobRow = {
  ...rowOf(({ application }) => {
    const { operation = application().status.operationState?.operation } = application()
    return operation?.info?.[0]?.value
  }),
  starts: /^POST .*\/sync$/,
} satisfies JobRow

/** Returns the part of a row that synchronizations and rollbacks share. */
export function rowOf(idOf: (server: ArgoCd) => string | undefined, prepare?: (server: ArgoCd) => void) {
  return {
    stopsLate: true,
    start: startWith(startArgoCd, (server) => {
      const { url: baseUrl, token, application, startOperation, finish, reconcile } = server
      prepare?.(server)
      const enter = (name: string) => {
        const [phase = '', health, sync] = name.split('/')
        if (application().operation) startOperation()
        finish(phase, `It has ${phase}`)
        if (health) reconcile(health, sync)
      }
      return {
        connection: { baseUrl, token },
        input: { target: 'guestbook', project: 'shop' },
        runs: () => server.state.started,
        id: () => `guestbook#${idOf(server)}`,
        letStart: startOperation,
        enter,
        end: () => enter('Succeeded/Healthy/Synced'),
        finishStop() {
          if (application().status.operationState?.phase !== 'Terminating') return false
          finish('Failed', 'Operation terminated')
          return true
        },
      }
    }),
  } satisfies Partial<JobRow>
}
