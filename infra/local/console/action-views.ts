import { randomUUID } from 'node:crypto'
import { actionNames, type Category } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'
import { genericApiExamples } from '../../sandbox/platforms/generic-api/examples.ts'
import { type Example, examples } from '../../sandbox/platforms/sandbox/examples.ts'

/** An action with its examples. */
export interface ActionView {
  category: string
  action: string
  summary: string
  /** The connections of the category. */
  connections: ConnectionView[]
  /** The providers that a connection of the category may have. */
  providers: string[]
  /** Empty if the sandbox has no platform for the action. */
  examples: ExampleView[]
}

export interface ConnectionView {
  name: string
  provider: string
}

export interface ExampleView {
  name: string
  query: string
  body: object
  /** The action to call first: this example needs the id of its result. */
  needs?: string
}

/** State that the examples depend on. */
interface ExampleContext {
  connections(category: string): ConnectionView[]
  /** Returns the id in the latest result of one of the actions. */
  latestId(category: string, actions: readonly string[]): string | undefined
}

/** Returns all actions with their examples. Each example has new ids. */
export function actionViews(context: ExampleContext): ActionView[] {
  const all: readonly Category[] = categories
  return all.flatMap((category) => {
    const connections = context.connections(category.name)
    const isConnected = ({ query }: Example) => {
      const used = new URLSearchParams(query).get('connection') ?? 'default'
      return connections.some(({ name }) => name === used)
    }
    return actionNames(category).map((action) => ({
      category: category.name,
      action,
      summary: category.actions[action]?.summary ?? category.actionMapping?.summary ?? '',
      connections,
      providers: Object.keys(category.providers),
      examples: (examples[`${category.name}/${action}`] ?? genericApiExample(action))
        .filter(isConnected)
        .map((example) => viewOf(example, category.name, context)),
    }))
  })
}

/** Returns the example for an action of a new category, which uses the generic API. */
function genericApiExample(action: string): Example[] {
  const example = genericApiExamples[action]
  if (!example) return []
  return [{ ...example, query: 'mode=silent', idFrom: example.idFrom ? [example.idFrom] : undefined }]
}

function viewOf(
  { name, task, query, data, input, idFrom }: Example,
  category: string,
  { latestId }: ExampleContext,
): ExampleView {
  const id = idFrom && latestId(category, idFrom)
  const body = {
    id: randomUUID(),
    type: `sh.keptn.event.${task}.triggered`,
    shkeptncontext: randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
    ...(input || idFrom ? { input: { ...(idFrom ? { id: id ?? '' } : {}), ...input } } : {}),
  }
  const [needs] = idFrom && id === undefined ? idFrom : []
  return { name, query, body, ...(needs ? { needs } : {}) }
}
