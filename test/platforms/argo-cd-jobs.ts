import { type JobRow, play } from '../conformance/rows/row.ts'
import { startArgoCd } from './argo-cd.ts'

export const argoCdSync = {
  known: 'look-up',
  showsNewestOnly: true,
  stopsLate: true,
  refusesLateStop: true,
  starts: /^POST .*\/sync$/,
  start: play(startArgoCd, (server) => {
    const { url: baseUrl, token, application, startOperation, finish, reconcile } = server
    const status = () => application().status
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
      id: () => {
        const { operation = status().operationState?.operation } = application()
        return `guestbook#${operation?.info?.[0]?.value}`
      },
      hasStarted: startOperation,
      enter,
      end: () => enter('Succeeded/Healthy/Synced'),
      hasStopped() {
        if (status().operationState?.phase !== 'Terminating') return false
        finish('Failed', 'Operation terminated')
        return true
      },
    }
  }),
} satisfies JobRow

export const argoCdRollback = {
  action: 'rollback',
  known: 'neither',
  stopsLate: true,
  refusesLateStop: true,
  starts: /^POST .*\/rollback$/,
  start: play(startArgoCd, (server) => {
    const { url: baseUrl, token, application, startOperation, finish, reconcile, deploy } = server
    for (const digit of ['a', 'b', 'c']) deploy(digit.repeat(40))
    const enter = (name: string) => {
      const [phase = '', health, sync] = name.split('/')
      startOperation()
      finish(phase, `It has ${phase}`)
      if (health) reconcile(health, sync)
    }
    return {
      connection: { baseUrl, token },
      input: { target: 'guestbook', project: 'shop' },
      runs: () => server.state.started,
      id: () => 'guestbook#rollback-1',
      hasStarted: startOperation,
      enter,
      end: () => enter('Succeeded/Healthy/Synced'),
      hasStopped() {
        if (application().status.operationState?.phase !== 'Terminating') return false
        finish('Failed', 'Operation terminated')
        return true
      },
    }
  }),
} satisfies JobRow
