import { randomUUID } from 'node:crypto'
import { actionNames, type Category } from '../../../shared/providers/category.ts'
import { genericApiExamples } from '../../sandbox/platforms/generic-api/examples.ts'
import { type Example, examples } from '../../sandbox/platforms/sandbox/examples.ts'
import { categories } from '../../tools/project/categories.ts'

/** An action with its examples. */
export interface ActionView {
  category: string
  action: string
  summary: string
  /** Empty if the sandbox has no platform for the action. */
  examples: ExampleView[]
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
  hasConnection(category: string, connection: string): boolean
  /** Returns the id in the latest result of one of the actions. */
  latestId(category: string, actions: readonly string[]): string | undefined
}

/** Returns all actions with their examples. Each example has new ids. */
export function actionViews(context: ExampleContext): ActionView[] {
  const all: readonly Category[] = categories
  return all.flatMap((category) =>
    actionNames(category).map((action) => ({
      category: category.name,
      action,
      summary: category.actions[action]?.summary ?? category.actionMapping?.summary ?? '',
      examples: (examples[`${category.name}/${action}`] ?? genericApiExample(action))
        .filter(({ query }) =>
          context.hasConnection(category.name, new URLSearchParams(query).get('connection') ?? 'default'),
        )
        .map((example) => viewOf(example, category.name, context)),
    })),
  )
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
