import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Entry } from './call-records.ts'
import type { FaultInjector } from './fault-injector.ts'
import type { PlatformRecords } from './platform-records.ts'

const MAX_LINES = 80

/** Returns everything that happened to one event, in order, to analyze a violation. */
export async function timelineOf(
  entry: Entry,
  records: PlatformRecords,
  faultInjector: FaultInjector,
  output: string,
): Promise<string[]> {
  const { call, deliveries, accepted } = entry
  const lines: { at: number; text: string }[] = []
  for (const { at, answeredAt, status } of deliveries) {
    lines.push({ at, text: `caller    sends ${call.action}?${call.query}` })
    lines.push({ at: answeredAt, text: `caller    receives ${status ?? 'no response'}` })
  }
  for (const { at, type, data, triggeredid } of records.events()) {
    const text = `keptn     accepts ${type}: ${data.status ?? ''} ${data.result ?? ''} ${data.message ?? ''}`
    if (triggeredid === call.id) lines.push({ at: faultInjector.unstepped(at), text })
  }
  const from = Math.min(...lines.map(({ at }) => at)) - 2_000
  const to = Math.max(...lines.map(({ at }) => at)) + 2_000
  for (const { at, what } of faultInjector.diary)
    if (at > from && at < to) lines.push({ at, text: `injector  ${what}` })
  const timeline = lines
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `${new Date(at).toISOString().slice(11, 23)} ${text}`)
  const markers = [call.id, ...(accepted ? [accepted.taskId, `task ${accepted.taskId.slice(0, 8)}`] : [])]
  return [
    `event ${call.id}, call ${call.n}, task ${accepted?.taskId ?? 'none'}`,
    ...timeline,
    'Output of the runtime, with its own clock:',
    ...(await linesWith(output, markers)),
  ]
}

async function linesWith(file: string, markers: string[]): Promise<string[]> {
  const found: string[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (markers.some((marker) => line.includes(marker))) found.push(line.slice(0, 600))
  }
  return found.length <= MAX_LINES ? found : [...found.slice(0, MAX_LINES / 2), '...', ...found.slice(-MAX_LINES / 2)]
}
