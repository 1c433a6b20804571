import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceTypeName } from '../../../shared/sources/load-source-type.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/sources')

/** The files of the recorded bodies, as `<type>/<event>`. */
export const recorded = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json') && !file.endsWith('.headers.json'))
  .map((file) => file.replace('.json', ''))
  .sort()

export interface Recorded {
  type: SourceTypeName
  /** With names in lower case. Only those that say something that the body does not. */
  headers: Record<string, string>
  body: Record<string, unknown>
}

/** Loads a recorded request. */
export function load(file: string): Recorded {
  const [type, name = ''] = file.split('/') as [SourceTypeName, string]
  const body = read(`${file}.json`)
  const [event = ''] = name.split('.')
  const headers = existsSync(join(fixtures, `${file}.headers.json`)) ? read(`${file}.headers.json`) : {}
  if (type === 'aws-sns') return { type, headers: {}, body: body.body }
  if (type === 'github') return { type, headers: { 'x-github-event': event, 'x-github-delivery': 'a-delivery' }, body }
  if (type === 'sentry') return { type, headers: { 'sentry-hook-resource': event }, body }
  const lowerCase = Object.entries<string>(headers).map(([header, value]) => [header.toLowerCase(), value])
  return { type, headers: Object.fromEntries(lowerCase), body }
}

function read(file: string) {
  return JSON.parse(readFileSync(join(fixtures, file), 'utf8'))
}
