import { type JobRow, stages, startWith } from '../../../conformance/row.ts'
import { startJenkins } from './server.ts'

export const jobRow = {
  changesId: true,
  stoppedAtStart: 'forgotten',
  starts: /^POST .*\/build(?:WithParameters)?$/,
  start: startWith(startJenkins, (server) => {
    const { url: baseUrl, username, token, state, job, startBuild } = server
    const target = 'shop/deploy'
    const place = () => state.queue.at(-1)
    const build = () => job(target).builds.find(({ queueId }) => queueId === place()?.id)
    const enter = (result: string) => {
      if (result === 'CANCELLED') return void Object.assign(place() ?? {}, { cancelled: true })
      if (result !== 'QUEUED') server.end(build() ?? startBuild(place()?.id ?? 0), result)
    }
    return {
      connection: { baseUrl, username, token, keyParameter: 'KEY' },
      input: { target },
      runs: () => state.queue.length,
      id: () => `${target}#${build()?.number ?? `queue-${place()?.id}`}`,
      ...stages(enter, undefined, 'SUCCESS'),
      finishStop: () => place()?.cancelled === true || build()?.result === 'ABORTED',
    }
  }),
} satisfies JobRow
