import { type FieldError, invalidFields } from '../../shared/errors.ts'
import { AWS_SOURCE } from '../../shared/sources/declared.ts'
import { type EventsFile, parseEventsFile } from '../../shared/sources/events-file.ts'
import { notifiesOf } from '../../shared/sources/source-of.ts'
import { unknownName } from '../../shared/validate.ts'
import type { CategoryInfo } from './category-info.ts'
import { parseYamlFile, readYamlFile } from './read-yaml-file.ts'

/** A category, and how it can be woken. */
interface NotifiedCategory {
  name: string
  /** The types of sources that notify us of the runs of its providers. */
  notifiedBy: readonly string[]
  actions: CategoryInfo['actions']
}

/**
 * Reads and checks the file that declares the sources, `events.yaml`.
 *
 * @throws YamlFileError
 */
export function readEventsFile(path: string, categories: readonly NotifiedCategory[]): EventsFile {
  return readYamlFile(path, (loaded) => checkEvents(loaded, categories))
}

/**
 * Checks the text of such a file.
 *
 * @throws YamlFileError
 */
export function parseEventsText(text: string, categories: readonly NotifiedCategory[]): EventsFile {
  return parseYamlFile('events.yaml', text, (loaded) => checkEvents(loaded, categories))
}

/** @throws Failure with every error */
function checkEvents(loaded: unknown, categories: readonly NotifiedCategory[]): EventsFile {
  const names = categories.map(({ name }) => name)
  const file = parseEventsFile(loaded, names)
  const errors = [...wakesErrors(file, categories), ...awsErrors(file), ...callErrors(file, categories)]
  if (errors.length > 0) throw invalidFields(errors)
  return file
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

/** Finds calls of actions that do not exist, or that a rule cannot call. */
function callErrors({ rules = [] }: EventsFile, categories: readonly NotifiedCategory[]): FieldError[] {
  return rules.flatMap(({ call }, index): FieldError[] => {
    const path = `rules.${index}.call`
    const [name = '', action = ''] = call.split('/')
    const category = categories.find((known) => known.name === name)
    if (category === undefined) {
      const names = categories.map((known) => known.name)
      return [{ path, message: `must start with a category. ${unknownName('category', name, names)}` }]
    }
    const found = category.actions[action]
    if (found === undefined)
      return [{ path, message: `is not an action. ${unknownName('action', action, Object.keys(category.actions))}` }]
    // It needs the URL of the API for its pages.
    return found.needs?.includes('approvals')
      ? [{ path, message: 'cannot be called by a rule. Require an approval of another action in policy.yaml' }]
      : []
  })
}

function awsErrors({ sources }: EventsFile): FieldError[] {
  const type = sources[AWS_SOURCE]?.type
  if (type === undefined || type === 'eventbridge') return []
  const message = `must be eventbridge: the source ${AWS_SOURCE} gets the events of the account. Choose another name for this source`
  return [{ path: `sources.${AWS_SOURCE}.type`, message }]
}
