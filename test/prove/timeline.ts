import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Entry } from './call-records.ts'
import type { Disturber } from './fault-injector.ts'
import type { Books } from './platform-records.ts'

const mostLines = 80

/** Everything that is known of one event, in the order of its times: for whoever has to find out why. */
export async function storyOf(entry: Entry, books: Books, disturber: Disturber, output: string): Promise<string[]> {
  const { call, deliveries, accepted } = entry
  const lines: { at: number; text: string }[] = []
  for (const { at, answeredAt, status } of deliveries) {
    lines.push({ at, text: `caller    sends ${call.action}?${call.query}` })
    lines.push({ at: answeredAt, text: `caller    is answered ${status ?? 'nothing'}` })
  }
  for (const { at, type, data, triggeredid } of books.events()) {
    const text = `keptn     takes ${type}: ${data.status ?? ''} ${data.result ?? ''} ${data.message ?? ''}`
    if (triggeredid === call.id) lines.push({ at: disturber.unstepped(at), text })
  }
  const from = Math.min(...lines.map(({ at }) => at)) - 2_000
  const to = Math.max(...lines.map(({ at }) => at)) + 2_000
  for (const { at, what } of disturber.diary) if (at > from && at < to) lines.push({ at, text: `prover    ${what}` })
  const story = lines
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `${new Date(at).toISOString().slice(11, 23)} ${text}`)
  const marks = [call.id, ...(accepted ? [accepted.taskId, `task ${accepted.taskId.slice(0, 8)}`] : [])]
  return [
    `event ${call.id}, call ${call.n}, task ${accepted?.taskId ?? 'none'}`,
    ...story,
    'What the runtime printed of it, by its own clock:',
    ...(await linesWith(output, marks)),
  ]
}

async function linesWith(file: string, marks: string[]): Promise<string[]> {
  const found: string[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (marks.some((mark) => line.includes(mark))) found.push(line.slice(0, 600))
  }
  return found.length <= mostLines ? found : [...found.slice(0, mostLines / 2), '...', ...found.slice(-mostLines / 2)]
}
