import { readFileSync } from 'node:fs'
import { categories } from '../../functions/index.ts'
import { eventSchema } from '../../shared/orchestrators/keptn/event.ts'
import type { Action } from '../../shared/providers/action.ts'
import { actionNames, type Category } from '../../shared/providers/category.ts'
import { accepted, outcome, problem, taskStatus } from './answers.ts'
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts'
import { queryParameters } from './parameters.ts'

interface OpenApiDocument {
  openapi: '3.1.1'
  info: Record<string, unknown>
  servers: { url: string }[]
  paths: Record<string, Record<string, unknown>>
  components: { schemas: Record<string, JsonSchema> } & Record<string, unknown>
  [name: string]: unknown
}

/** What an answer >= 400 means, in the order of the statuses. */
const refusals: Record<number, string> = {
  400: 'Something is missing or wrong; all of it is named at once',
  401: 'No token, or one that is not known',
  403: 'The caller may not use this category',
  404: 'There is no such action, connection or task; the known ones are named',
  405: 'Another method is to be used',
  409: 'The same silent call is still running',
  413: 'The body is over 256 KB',
  415: 'The body is neither JSON nor a form',
  422: 'The platform refused, or it was done and did not turn out well',
  500: 'Our own fault',
  502: 'The platform failed, or it is not known whether it was done',
  503: 'We could not take it, or are not configured for it',
  504: 'The platform did not answer in time',
}
const ofTasks = [401, 403, 404, 405, 500, 503]

/**
 * The HTTP interface as an OpenAPI 3.1 document, made of the schemas that check each call.
 *
 * @param url where the API is, without `/v1`
 */
export function openApi(url: string): OpenApiDocument {
  const all: readonly Category[] = categories
  return {
    openapi: '3.1.1',
    info: {
      title: 'Cloud Automation webhooks',
      version: packageVersion(),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Webhooks for task sequences of Cloud Automation (Keptn). An answer >= 400 means that no event ever follows; ' +
        '202 means that exactly one finished event does. Numbers, lists and switches are taken from text, too. The parts ' +
        'of event and input may also stand in the query: data.project=.., input.title=..',
    },
    servers: [{ url: `${url}/v1` }],
    security: [{ bearer: [] }, { token: [] }],
    tags: all.map(({ name, summary }) => ({ name, description: summary })),
    paths: Object.fromEntries(all.flatMap(pathsOf)),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'header', name: 'x-token' },
      },
      parameters: queryParameters,
      schemas: {
        Event: jsonSchemaOf(eventSchema),
        Outcome: jsonSchemaOf(outcome),
        Accepted: jsonSchemaOf(accepted),
        TaskStatus: jsonSchemaOf(taskStatus),
        Problem: jsonSchemaOf(problem),
        ...Object.fromEntries(all.flatMap(inputsOf)),
      },
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          status,
          { description, content: { 'application/problem+json': { schema: schemaNamed('Problem') } } },
        ]),
      ),
    },
  }
}

function pathsOf(category: Category): [string, Record<string, unknown>][] {
  return [
    ...actionNames(category).map((name): [string, Record<string, unknown>] => [
      `/${category.name}/${name}`,
      { post: callOf(category, name) },
    ]),
    [`/${category.name}/tasks/{taskId}`, { get: taskOf(category) }],
  ]
}

function callOf({ name: category, actions, actionMapping }: Category, name: string) {
  // Absent of the one that stands for the others: its input is what the connection says.
  const action = actions[name]
  const input = action ? { input: schemaNamed(`${category}.${name}`) } : {}
  return {
    operationId: `${category}.${name}`,
    tags: [category],
    summary: action?.summary ?? actionMapping?.summary ?? name,
    parameters: Object.keys(queryParameters).map((option) => ({ $ref: `#/components/parameters/${option}` })),
    requestBody: {
      required: false,
      content: {
        'application/json': {
          schema: {
            allOf: [schemaNamed('Event'), { type: 'object', properties: { ...input, connection: { type: 'string' } } }],
          },
        },
        'application/x-www-form-urlencoded': {
          schema: {
            type: 'object',
            description: 'The same with dotted names: data.project=..&input.title=..',
            additionalProperties: { type: 'string' },
          },
        },
      },
    },
    responses: {
      ...(action?.type === 'approval' ? {} : { 200: answer('Silent, and done', doneBy(action)) }),
      202: answer('Interactive, and certain to finish', schemaNamed('Accepted')),
      ...refusalsNamed(Object.keys(refusals).map(Number)),
    },
  }
}

function taskOf({ name }: Category) {
  return {
    operationId: `${name}.task`,
    tags: [name],
    summary: 'The state of a task, and its outcome once it has ended',
    parameters: [{ name: 'taskId', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{40}$' } }],
    responses: {
      200: { ...answer('As it stands', schemaNamed('TaskStatus')), headers: retryAfter },
      ...refusalsNamed(ofTasks),
    },
  }
}

const retryAfter = {
  'Retry-After': { description: 'While it runs: seconds until it is worth to ask again', schema: { type: 'integer' } },
}

function inputsOf({ name, actions }: Category): [string, JsonSchema][] {
  return Object.entries(actions).map(([action, { input }]) => [`${name}.${action}`, jsonSchemaOf(input)])
}

/** The outcome, with the names that are in its data. */
function doneBy(action: Pick<Action, 'outputs'> | undefined): JsonSchema {
  const names = action?.outputs ?? []
  if (names.length === 0) return schemaNamed('Outcome')
  const data = { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) }
  return { allOf: [schemaNamed('Outcome'), { type: 'object', properties: { data } }] }
}

function answer(description: string, schema: JsonSchema) {
  return { description, content: { 'application/json': { schema } } }
}

function refusalsNamed(statuses: readonly number[]): Record<string, JsonSchema> {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${status}` }]))
}

function schemaNamed(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
