import { readFileSync } from 'node:fs'
import { HEADERS } from '../../shared/orchestrators/azure-devops/server-task.ts'
import { eventSchema } from '../../shared/orchestrators/event/event.ts'
import type { Action } from '../../shared/providers/action.ts'
import { actionNames, type Category, currentActions } from '../../shared/providers/category.ts'
import { categories } from '../project/categories.ts'
import { type JsonSchema, jsonSchemaOf, schemaNamed } from './json-schema.ts'
import { callbackUrl, orchestrator, queryParameters } from './parameters.ts'
import { requestBodyOf } from './request-body.ts'
import { accepted, outcome, problem, received, rerun, taskStatus } from './responses.ts'

interface OpenApiDocument {
  openapi: '3.1.1'
  info: Record<string, unknown>
  servers: { url: string }[]
  paths: Record<string, Record<string, unknown>>
  components: { schemas: Record<string, JsonSchema> } & Record<string, unknown>
  [name: string]: unknown
}

/** Meaning of each error status. */
const errorResponses: Record<number, string> = {
  400: 'The call is invalid; the response lists all errors',
  401: 'The token is missing or unknown',
  403: 'The caller may not use this category, its token lacks a scope, or the policy refuses the call',
  404: 'Unknown action, connection or task; the response lists the known ones',
  405: 'Method not allowed',
  409: 'The same silent call or the task of a gate is still running, or the result of the same call goes to another address',
  413: 'The body is larger than 256 KB, or 1 MB for a notification',
  415: 'The body is neither JSON nor a form',
  422: 'The platform rejected the request, the action failed, or the policy does not allow the call now',
  424: 'The task of a gate did not pass',
  429: 'The caller has sent more calls per minute than it may, or its address too many forged tokens',
  500: 'Internal error',
  502: 'The platform failed, or the outcome is unknown',
  503: 'Unavailable, or not configured',
  504: 'The platform did not respond in time',
}
const TASK_ERRORS = [401, 403, 404, 405, 500, 503]

/**
 * Returns the HTTP API as an OpenAPI 3.1 document, generated from the schemas of calls.
 *
 * @param url of the API, without `/v1`
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
        'Webhooks for delivery and operations. After a status of 400 or more, no result follows; after 202, exactly one ' +
        'does, as an event for the orchestrator or as the status of the task. Numbers, lists and booleans may be texts. The query may contain parts of ' +
        'the event and the input (data.project=.., input.title=..). Azure DevOps sends what the answer needs in the headers ' +
        `${Object.keys(HEADERS).join(', ')}.`,
    },
    servers: [{ url: `${url}/v1` }],
    security: [{ bearer: [] }, { token: [] }, { basic: [] }, { githubSignature: [] }],
    tags: [
      ...all.map(({ name, summary }) => ({ name, description: summary })),
      { name: 'events', description: 'Receives notifications of platforms' },
    ],
    paths: { ...Object.fromEntries(all.flatMap(pathsOf)), '/events/{source}': { post: notification() } },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        token: { type: 'apiKey', in: 'header', name: 'x-token' },
        githubSignature: { type: 'apiKey', in: 'header', name: 'X-Hub-Signature-256' },
        basic: { type: 'http', scheme: 'basic', description: 'The name and the token of the caller' },
      },
      parameters: { ...queryParameters, orchestrator, callbackUrl },
      schemas: {
        Event: jsonSchemaOf(eventSchema),
        Outcome: jsonSchemaOf(outcome),
        Accepted: jsonSchemaOf(accepted),
        Rerun: jsonSchemaOf(rerun),
        TaskStatus: jsonSchemaOf(taskStatus),
        Received: jsonSchemaOf(received),
        Problem: jsonSchemaOf(problem),
        ...Object.fromEntries(all.flatMap(inputsOf)),
      },
      responses: Object.fromEntries(
        Object.entries(errorResponses).map(([status, description]) => [
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
    [`/${category.name}/{action}/cancel`, { post: cancelCallOf(category) }],
    ...Object.entries(category.formerNames ?? {}).map(([name, former]): [string, Record<string, unknown>] => {
      const { operationId: _, ...call } = callOf(category, name)
      return [`/${category.name}/${former}`, { post: { ...call, deprecated: true } }]
    }),
    [`/${category.name}/verify`, { post: verificationOf(category) }],
    [`/${category.name}/tasks/{taskId}`, { get: taskOf(category) }],
    [`/${category.name}/tasks/{taskId}/cancel`, { post: cancelOf(category) }],
    [`/${category.name}/tasks/{taskId}/answer`, { post: answerOf(category) }],
    [`/${category.name}/tasks/{taskId}/rerun`, { post: rerunOf(category) }],
  ]
}

function callOf({ name: category, actions, actionMapping }: Category, name: string) {
  // A mapped action has no schema: the connection defines its input.
  const action = actions[name]
  const input = action ? { input: schemaNamed(`${category}.${name}`) } : {}
  return {
    operationId: `${category}.${name}`,
    tags: [category],
    summary: action?.summary ?? actionMapping?.summary ?? name,
    parameters: [...Object.keys(queryParameters), 'orchestrator', 'callbackUrl'].map((option) => ({
      $ref: `#/components/parameters/${option}`,
    })),
    requestBody: requestBodyOf(input),
    responses: {
      ...(action?.type === 'approval'
        ? {}
        : { 200: response('Silent: the outcome. Gate: the status of the task', outcomeOf(action)) }),
      202: response('Interactive: accepted; exactly one result follows', schemaNamed('Accepted')),
      ...errorsOf(Object.keys(errorResponses).map(Number)),
    },
  }
}

function verificationOf({ name }: Category) {
  return {
    operationId: `${name}.verify`,
    tags: [name],
    summary: 'Test the deployment: a call that is handled like any other, but calls no platform and no orchestrator',
    parameters: [
      { name: 'mode', in: 'query', schema: { type: 'string', enum: ['silent', 'interactive'], default: 'silent' } },
      { $ref: '#/components/parameters/key' },
    ],
    responses: {
      200: response('Silent: the outcome', schemaNamed('Outcome')),
      202: response('Interactive: accepted', schemaNamed('Accepted')),
      ...errorsOf([400, 401, 403, 429, 503]),
    },
  }
}

function taskOf({ name }: Category) {
  return {
    operationId: `${name}.task`,
    tags: [name],
    summary: 'Status of a task, and its outcome after the end',
    parameters: [
      taskId,
      {
        name: 'wait',
        in: 'query',
        description: 'Wait for the end of the task, at most this many seconds',
        schema: { type: 'integer', minimum: 0, maximum: 25, default: 0 },
      },
    ],
    responses: {
      200: { ...response('The status', schemaNamed('TaskStatus')), headers: retryAfter },
      ...errorsOf([400, ...TASK_ERRORS]),
    },
  }
}

function cancelOf({ name }: Category) {
  return {
    operationId: `${name}.cancel`,
    tags: [name],
    summary: 'Cancel a task: it stops its job at the platform and ends as aborted',
    parameters: [taskId],
    responses: {
      200: response('The task had ended; its outcome', schemaNamed('TaskStatus')),
      202: response('The task will end', schemaNamed('TaskStatus')),
      ...errorsOf(TASK_ERRORS),
    },
  }
}

function cancelCallOf(category: Category) {
  const { name } = category
  return {
    operationId: `${name}.cancelCall`,
    tags: [name],
    summary: 'Cancel the task of a call: send the query and the body of the call again. Starts nothing',
    parameters: [
      { name: 'action', in: 'path', required: true, schema: { type: 'string', enum: actionNames(category) } },
      // Those that identify the call. The others of the call are ignored.
      ...['mode', 'key', 'connection', 'dryRun'].map((option) => ({ $ref: `#/components/parameters/${option}` })),
    ],
    requestBody: requestBodyOf({}),
    responses: {
      200: response('The task had ended; its outcome', schemaNamed('TaskStatus')),
      202: response('The task will end', schemaNamed('TaskStatus')),
      ...errorsOf([400, 413, 415, ...TASK_ERRORS]),
    },
  }
}

function answerOf({ name }: Category) {
  return {
    operationId: `${name}.answer`,
    tags: [name],
    summary: 'Send the result of an ended task to its orchestrator again',
    parameters: [taskId],
    responses: {
      202: response('The result is sent again', schemaNamed('TaskStatus')),
      ...errorsOf([...TASK_ERRORS, 409]),
    },
  }
}

function rerunOf({ name }: Category) {
  return {
    operationId: `${name}.rerun`,
    tags: [name],
    summary: 'Run a task that did not pass again, as a new task with the same input',
    parameters: [taskId],
    responses: {
      202: response('The new task. Its result is not sent: read its status', schemaNamed('Rerun')),
      ...errorsOf([400, ...TASK_ERRORS, 409, 429]),
    },
  }
}

/** Only a deployment that declares sources has this path. */
function notification() {
  return {
    operationId: 'notification',
    tags: ['events'],
    summary:
      'Notify of the end of a run, so that the task that waits for it reads the status at once. Carries no result',
    parameters: [
      {
        name: 'source',
        in: 'path',
        required: true,
        description: 'Name of a source in events.yaml, whose type says how requests are verified',
        schema: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,62}$' },
      },
      {
        name: 'token',
        in: 'query',
        description: 'Token of the source, for platforms that send no headers',
        schema: { type: 'string' },
      },
    ],
    // Each source has its own credentials, such as a signature.
    security: [{}],
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } },
    responses: {
      200: response('Accepted, even if no task waits for it', schemaNamed('Received')),
      ...errorsOf([400, 401, 404, 405, 413, 500, 503]),
    },
  }
}

const taskId = { name: 'taskId', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{40}$' } }

const retryAfter = {
  'Retry-After': { description: 'While the task runs: seconds until the next request', schema: { type: 'integer' } },
}

function inputsOf(category: Category): [string, JsonSchema][] {
  return currentActions(category).map(([action, { input }]) => [`${category.name}.${action}`, jsonSchemaOf(input)])
}

/** Returns the schema of an outcome with the fields of its data. */
function outcomeOf(action: Pick<Action, 'outputs'> | undefined): JsonSchema {
  const names = action?.outputs ?? []
  if (names.length === 0) return schemaNamed('Outcome')
  const data = { type: 'object', properties: Object.fromEntries(names.map((name) => [name, {}])) }
  return { allOf: [schemaNamed('Outcome'), { type: 'object', properties: { data } }] }
}

function response(description: string, schema: JsonSchema) {
  return { description, content: { 'application/json': { schema } } }
}

function errorsOf(statuses: readonly number[]): Record<string, JsonSchema> {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/${status}` }]))
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
