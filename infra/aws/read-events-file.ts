import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { Failure, type FieldError } from '../../shared/errors.ts'
import { AWS_SOURCE } from '../../shared/sources/declared.ts'
import { type EventsFile, parseEventsFile } from '../../shared/sources/events-file.ts'
import { notifiesOf } from '../../shared/sources/source-of.ts'

/** A category, and how it can be woken. */
interface NotifiedCategory {
  name: string
  /** The types of sources that notify us of the runs of its providers. */
  notifiedBy: readonly string[]
}

/** Lists all errors of the file, with their lines. */
export class EventsFileError extends Error {
  override readonly name = 'EventsFileError'
}

/**
 * Reads and checks the file that declares the sources, `events.yaml`.
 *
 * @throws EventsFileError
 */
export function readEventsFile(path: string, categories: readonly NotifiedCategory[]): EventsFile {
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false })
  const refuse = (errors: { line: number; text: string }[]) => {
    const listed = errors.map(({ line, text }) => `\n  - line ${line}: ${text}`)
    return new EventsFileError(`${path} is not valid:${listed.join('')}`)
  }
  const lineAt = (offset: number) => lines.linePos(offset).line
  if (document.errors.length > 0)
    throw refuse(
      document.errors.map(({ message, pos }) => ({ line: lineAt(pos[0]), text: `not valid YAML: ${message}` })),
    )
  const lineOf = (field: string) => {
    const parts = field.split('.')
    for (; parts.length > 0; parts.pop()) {
      const node: unknown = document.getIn(parts, true)
      if (isNode(node) && node.range) return lineAt(node.range[0])
    }
    return 1
  }
  const { file, errors } = check(document.toJS(), categories)
  if (errors.length === 0) return file
  throw refuse(errors.map(({ path: field, message }) => ({ line: lineOf(field), text: `${field} ${message}` })))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new EventsFileError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}

function check(loaded: unknown, categories: readonly NotifiedCategory[]): { file: EventsFile; errors: FieldError[] } {
  try {
    const names = categories.map(({ name }) => name)
    const file = parseEventsFile(loaded, names)
    return { file, errors: [...wakesErrors(file, categories), ...awsErrors(file)] }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { file: { sources: {} }, errors: error.errors ?? [{ path: 'sources', message: error.message }] }
  }
}

/** Finds connections that no notification can wake, and those that two sources wake. */
function wakesErrors({ sources }: EventsFile, categories: readonly NotifiedCategory[]): FieldError[] {
  const owners = new Map<string, string>()
  return Object.entries(sources).flatMap(([name, { type, wakes }]) =>
    wakes.flatMap((connection, index): FieldError[] => {
      const path = `sources.${name}.wakes.${index}`
      const owner = owners.get(connection)
      if (owner !== undefined)
        return [{ path, message: `is a connection that the source ${owner} wakes, too: remove it from one of them` }]
      owners.set(connection, name)
      const category = categories.find((known) => connection.startsWith(`${known.name}/`))
      const types = category?.notifiedBy ?? []
      if (types.some((known) => notifiesOf(type, { kind: 'job', notifiedBy: { type: known } }))) return []
      const known =
        types.length > 0
          ? `Types for ${category?.name}: ${types.join(', ')}`
          : 'Its platforms send no notifications that are understood'
      return [{ path, message: `has no provider whose runs a source of the type ${type} reports. ${known}` }]
    }),
  )
}

function awsErrors({ sources }: EventsFile): FieldError[] {
  const type = sources[AWS_SOURCE]?.type
  if (type === undefined || type === 'eventbridge') return []
  const message = `must be eventbridge: the source ${AWS_SOURCE} gets the events of the account. Choose another name for this source`
  return [{ path: `sources.${AWS_SOURCE}.type`, message }]
}
