import { parse as parseYaml } from 'yaml'
import { messageOf } from '../../../shared/errors.ts'
import { isRecord } from '../../../shared/record.ts'
import {
  type Contract,
  type Operation,
  type Part,
  readContract,
  type Schema,
  serverOf,
} from '../../openapi/contract.ts'
import { UsageError } from '../../project/usage-error.ts'
import {
  type Draft,
  type DraftOptions,
  type DraftRequest,
  draftOf,
  ExpressionWriter,
  isReading,
  partOf,
  requestName,
} from './draft.ts'
import { identifier } from './hints.ts'
import { flattened, MAX_DEPTH, pathTo, valuesAt } from './schema-search.ts'

const MAX_LISTED = 20

const ID = ['id', 'key', 'number', 'iid', 'uuid', 'ticket_id', 'run_id', 'job_id', 'execution_id']
const LINK = ['html_url', 'web_url', 'webUrl', 'url', 'permalink', 'link', 'self']
const STATE = ['state', 'status', 'phase']
const CLOSED = /^(?:closed?|done|resolved|completed?|finished)$/i

/** Guesses the meaning of a job state by its name. */
const VERDICTS: [RegExp, string][] = [
  [/cancel|abort|stop|terminat/i, 'aborted'],
  [/unstable|warn|partial/i, 'warning'],
  [/fail|error|timed?_?-?out/i, 'fail'],
  [/succe|pass|complete|done|finish|ok$/i, 'pass'],
]

/**
 * Creates the draft of a connection from an operation of an OpenAPI document.
 *
 * @param text JSON or YAML
 * @param operation `operationId`, or method and path, such as `POST /tickets`
 * @throws UsageError
 */
export function draftFromOpenApi(text: string, operation: string | undefined, options: DraftOptions): Draft {
  const contract = contractOf(text)
  try {
    return draftOfOperation(contract, operationNamed(contract, operation), options)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Cannot use the OpenAPI document: ${messageOf(error)}.`, { cause: error })
  }
}

function contractOf(text: string): Contract {
  let document: unknown
  try {
    document = parseYaml(text)
  } catch (error) {
    const [line = ''] = messageOf(error).split('\n')
    throw new UsageError(`The OpenAPI document is neither JSON nor YAML: ${line}`, { cause: error })
  }
  if (!isRecord(document) || !isRecord(document['paths']))
    throw new UsageError('The file is not an OpenAPI document: it has no paths.')
  try {
    return readContract(document)
  } catch (error) {
    throw new UsageError(`Cannot use the OpenAPI document: ${messageOf(error)}.`, { cause: error })
  }
}

function operationNamed({ operations }: Contract, name: string | undefined): Operation {
  const found = operations.find((operation) => name !== undefined && (operation.id === name || operation.name === name))
  if (found) return found
  const known = operations.map((operation) => operation.id ?? `"${operation.name}"`)
  const more = known.length > MAX_LISTED ? `, and ${known.length - MAX_LISTED} more` : ''
  const list = `${known.slice(0, MAX_LISTED).join(', ')}${more}`
  throw new UsageError(
    name === undefined
      ? `--from-openapi requires --operation with one of ${list}.`
      : `The OpenAPI document has no operation ${name}. It has ${list}.`,
  )
}

function draftOfOperation(contract: Contract, operation: Operation, options: DraftOptions): Draft {
  const { document } = contract
  const name = requestName(options)
  const writer = new ExpressionWriter(options)
  const path = pathOf(operation, name, options, writer.notes)
  const query = operation.parameters.filter((parameter) => parameter.in === 'query' && parameter.required)
  const sampled = query.map((parameter): [string, unknown] => [
    parameter.name,
    sampleOf(document, parameter.schema, parameter.name),
  ])
  const { placeholders, keys } = credentialsOf(operation, name, writer)
  const parameters = { ...writer.values(sampled, `${name}.query`), ...keys }
  const body = bodyOf(document, operation, name, writer)
  const request: DraftRequest = {
    ...(operation.method === (body || !isReading(name) ? 'POST' : 'GET') ? {} : { method: operation.method }),
    path,
    ...(Object.keys(parameters).length > 0 ? { query: parameters } : {}),
    ...body,
  }
  const header = operation.parameters.find(
    (parameter) => parameter.in === 'header' && /idempotency/i.test(parameter.name),
  )
  const connection = {
    ...baseUrlOf(document, writer.notes),
    ...(header ? { idempotencyHeader: header.name } : {}),
  }
  const guessed = resultsOf(contract, operation, options, path, writer.notes)
  const { secrets } = writer
  return {
    values: draftOf(options, request, connection, { guessed }),
    placeholders: { ...placeholders, ...(Object.keys(secrets).length > 0 ? { secrets } : {}) },
    notes: [...writer.notes, ...placeholderNotes(name, request)],
  }
}

function baseUrlOf(document: Part, notes: string[]): Record<string, unknown> {
  const server = serverOf(document)
  if (/^https?:\/\//.test(server)) return { baseUrl: server.replace(/\/$/, '') }
  notes.push('baseUrl: the document contains no server URL. Add the URL of the API.')
  return {}
}

function pathOf({ name }: Operation, request: string, { kind }: DraftOptions, notes: string[]): string {
  const [, template = ''] = name.split(' ')
  return template.replace(/^\//, '').replace(/\{([^{}]+)\}/g, (_, part: string, at: number) => {
    const isLast = !template.slice(at + 1 + part.length + 2).includes('{')
    const expression = partOf(kind, request, part, isLast)
    if (expression !== undefined) return `{${expression}}`
    notes.push(`${request}.path: replace {input.${part}} with an expression for ${part}.`)
    return `{input.${identifier(part)}}`
  })
}

function bodyOf(
  document: Part,
  { body }: Operation,
  name: string,
  writer: ExpressionWriter,
): Partial<Record<'body' | 'form', string>> | undefined {
  const types = Object.keys(body?.content ?? {})
  const type = types.find((type) => /json/.test(type)) ?? types.find((type) => /x-www-form-urlencoded/.test(type))
  if (type === undefined) {
    if (types.length > 0) writer.notes.push(`${name}: add its body (${types.join(' or ')}).`)
    return undefined
  }
  const field = /json/.test(type) ? 'body' : 'form'
  const sample = sampleOf(document, body?.content[type]?.schema, name, writer)
  return { [field]: writer.value(sample, `${name}.${field}`) }
}

/** Returns a sample value of a schema with its required properties and those that match an input field. */
function sampleOf(
  document: Part,
  schema: Schema | undefined,
  name: string,
  writer?: ExpressionWriter,
  depth = 0,
): unknown {
  const { properties, required, plain } = flattened(document, schema)
  const known = [plain['example'], (plain['examples'] as unknown[] | undefined)?.[0], plain['default'], plain['const']]
  const sample = [...known, (plain['enum'] as unknown[] | undefined)?.[0]].find((value) => value !== undefined)
  if (Object.keys(properties).length > 0 && depth < MAX_DEPTH) {
    const due = Object.entries(properties).filter(
      ([field, { readOnly }]) => !readOnly && (required.includes(field) || writer?.hasInput(field)),
    )
    return Object.fromEntries(due.map(([field, type]) => [field, sampleOf(document, type, field, writer, depth + 1)]))
  }
  if (sample !== undefined) return sample
  const [type] = [plain['type']].flat()
  if (type === 'integer' || type === 'number') return 0
  if (type === 'boolean') return false
  if (type === 'array') return []
  return type === 'object' ? {} : `<${name}>`
}

/** Returns a note for each placeholder in the request. */
function placeholderNotes(name: string, request: DraftRequest): string[] {
  const texts = JSON.stringify(request).match(/'<[^<>']+>'/g) ?? []
  return [...new Set(texts)].map((text) => `${name}: replace ${text} with a value.`)
}

/** Guesses where the response contains the required fields of the connection. */
function resultsOf(
  contract: Contract,
  operation: Operation,
  { kind }: DraftOptions,
  path: string,
  notes: string[],
): Record<string, unknown> {
  const { document } = contract
  const sibling = contract.operations.find(({ name }) => {
    const [, template = ''] = operation.name.split(' ')
    return (
      name.startsWith(`GET ${template}/{`) &&
      name.endsWith('}') &&
      !name.slice(`GET ${template}/{`.length).includes('/')
    )
  })
  const schema = responseOf(operation)
  const seen = sibling ? responseOf(sibling) : undefined
  const pathOf = (where: string, names: string[], byDefault?: string): string | undefined => {
    const found = pathTo(document, schema, names) ?? pathTo(document, seen, names)
    if (found === undefined && byDefault !== undefined)
      notes.push(`${where}: ${byDefault} is a guess. The document does not describe the response.`)
    return found ?? byDefault
  }
  const id = () => pathOf(`${kind === 'job' ? 'run' : 'ticket'}.id`, ID, 'response.id')
  const url = () => defined('url', pathOf('url', LINK))
  if (kind === 'ticket') {
    const state = pathOf('ticket.state', STATE, 'response.state') ?? ''
    const closed = valuesAt(document, schema ?? seen, STATE).find((state) => CLOSED.test(state)) ?? 'closed'
    return {
      get: { path: `${path}/{input.id}` },
      ticket: { id: id(), ...url(), state, closed: `${state}=='${closed}'` },
    }
  }
  if (kind === 'job') {
    const states = valuesAt(document, seen ?? schema, STATE)
    return {
      look: { path: `${path}/{input.id}` },
      run: { id: id(), ...url(), state: pathOf('run.state', STATE, 'response.state') },
      ...(states.length > 0 ? { states: Object.fromEntries(states.map((state) => [state, verdictOf(state)])) } : {}),
    }
  }
  if (kind === 'message') return { posted: { ...defined('id', pathOf('posted.id', ID)), ...url() } }
  if (kind === 'evaluation') return { indicator: { value: pathOf('indicator.value', ['value'], 'response.value') } }
  return { flag: { on: pathOf('flag.on', ['enabled', 'on', 'active'], 'response.enabled'), ...url() } }
}

function defined(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value }
}

function verdictOf(state: string): string {
  return VERDICTS.find(([pattern]) => pattern.test(state))?.[1] ?? 'running'
}

function responseOf({ responses }: Operation): Schema | undefined {
  return responses.filter(({ status }) => status >= 200 && status < 300).find(({ schema }) => schema !== undefined)
    ?.schema
}

/** Returns placeholders for the credentials of the operation, and the query parameters that contain a key. */
function credentialsOf({ credentials }: Operation, name: string, writer: ExpressionWriter) {
  const [alternative = []] = credentials
  const placeholders: Record<string, unknown> = {}
  const keys: Record<string, string> = {}
  for (const scheme of alternative) {
    if (scheme.kind === 'bearer') placeholders['token'] = '<token>'
    else if (scheme.kind !== 'key') Object.assign(placeholders, { username: '<username>', password: '<password>' })
    else if (scheme.in === 'header') placeholders['secretHeaders'] = { [scheme.name]: `<${scheme.name}>` }
    else if (scheme.in === 'query') keys[scheme.name] = writer.secret(`<${scheme.name}>`, `${name}.query`, scheme.name)
    else {
      placeholders['secretHeaders'] = { Cookie: `${scheme.name}=<${scheme.name}>` }
    }
  }
  return { placeholders, keys }
}
