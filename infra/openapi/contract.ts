/** A schema as OpenAPI writes it, in any of its versions, or as JSON Schema does. */
export type Schema = boolean | { [keyword: string]: unknown }
/** An OpenAPI document, or any part of it. */
export type Part = { [name: string]: unknown }

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie' | 'formData'
  required: boolean
  schema: Schema
}

/** A security scheme. */
export type Credential = { kind: 'basic' | 'bearer' } | { kind: 'key'; in: 'header' | 'query' | 'cookie'; name: string }

export interface Response {
  status: number
  schema: Schema | undefined
  /** By name; a single example is `default`. */
  examples: Record<string, unknown>
}

/** The schema and the examples of a body. */
interface Media {
  schema: Schema
  examples: unknown[]
}

export interface Operation {
  /** Method and path of the document. */
  name: string
  /** `operationId`. */
  id?: string | undefined
  method: string
  /** Path including that of the server. */
  path: string
  parameters: Parameter[]
  body: { required: boolean; content: Record<string, Media> } | undefined
  /** Alternatives, each a set of credentials. Empty if the document defines none. */
  credentials: Credential[][]
  responses: Response[]
}

export interface Contract {
  title: string
  version: string
  document: Part
  operations: Operation[]
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/**
 * Parses an OpenAPI document of any version.
 *
 * @param prefix path of the API below the platform's base URL, for APIs behind a gateway
 */
export function readContract(document: Part, prefix = ''): Contract {
  const info = (document['info'] ?? {}) as { title?: string; version?: string }
  const base = `${prefix}${basePath(document)}`.replace(/\/$/, '')
  const paths = (document['paths'] ?? {}) as Record<string, Part>
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => readOperation(document, { method, path, base, item })),
  )
  return { title: info.title ?? '', version: info.version ?? '', document, operations }
}

function basePath(document: Part): string {
  // A server may be only a path.
  return URL.parse(serverOf(document), 'http://server.invalid')?.pathname.replace(/^\/$/, '') ?? ''
}

/** Returns the URL of the server. It may be only a path, or empty. */
export function serverOf(document: Part): string {
  if (document['swagger']) {
    const [scheme = 'https'] = (document['schemes'] ?? []) as string[]
    const path = String(document['basePath'] ?? '')
    return document['host'] === undefined ? path : `${scheme}://${document['host']}${path}`
  }
  const [server] = (document['servers'] ?? []) as { url: string; variables?: Record<string, { default: string }> }[]
  if (!server) return ''
  return server.url.replace(/\{(\w+)\}/g, (_, name: string) => server.variables?.[name]?.default ?? name)
}

interface OperationSource {
  method: string
  path: string
  base: string
  item: Part
}

function readOperation(document: Part, { method, path, base, item }: OperationSource): Operation {
  const operation = item[method] as Part
  const listed = [...list(item['parameters']), ...list(operation['parameters'])].map((one) => resolve(document, one))
  // Parameters of the operation override those of the path.
  const byName = new Map(listed.map((one) => [`${one['in']} ${one['name']}`, one]))
  const parameters = [...byName.values()]
  const security = (operation['security'] ?? document['security'] ?? []) as Record<string, unknown>[]
  return {
    name: `${method.toUpperCase()} ${path}`,
    id: operation['operationId'] as string | undefined,
    method: method.toUpperCase(),
    path: `${base}${path}`,
    parameters: parameters.filter((one) => one['in'] !== 'body').map(readParameter),
    body: readBody(
      document,
      operation,
      parameters.find((one) => one['in'] === 'body'),
    ),
    credentials: security.map((way) => Object.keys(way).map((name) => readCredential(document, name))),
    responses: Object.entries((operation['responses'] ?? {}) as Record<string, Part>).flatMap(([status, response]) =>
      /^\d+$/.test(status) ? [readResponse(document, Number(status), resolve(document, response))] : [],
    ),
  }
}

function readParameter(parameter: Part): Parameter {
  const { name, in: place, required, schema, content } = parameter
  const [ofContent] = Object.values((content ?? {}) as Record<string, { schema?: Schema }>)
  return {
    name: String(name),
    in: place as Parameter['in'],
    required: required === true,
    // In version 2.0, the parameter is the schema.
    schema: (schema as Schema | undefined) ?? ofContent?.schema ?? { ...parameter, required: undefined },
  }
}

function readBody(document: Part, operation: Part, bodyParameter: Part | undefined): Operation['body'] {
  if (bodyParameter) {
    const types = (operation['consumes'] ?? document['consumes'] ?? ['application/json']) as string[]
    const examples = 'x-example' in bodyParameter ? [bodyParameter['x-example']] : []
    const content = Object.fromEntries(
      types.map((type) => [type, { schema: bodyParameter['schema'] as Schema, examples }]),
    )
    return { required: bodyParameter['required'] === true, content }
  }
  if (!operation['requestBody']) return undefined
  const body = resolve(document, operation['requestBody'] as Part)
  const content = Object.entries((body['content'] ?? {}) as Record<string, Part>)
  return {
    required: body['required'] === true,
    content: Object.fromEntries(
      content.map(([type, media]) => [
        type,
        { schema: (media['schema'] ?? true) as Schema, examples: Object.values(examplesOf(document, media)) },
      ]),
    ),
  }
}

function readCredential(document: Part, name: string): Credential {
  const components = (document['components'] ?? {}) as { securitySchemes?: Record<string, Part> }
  const schemes = components.securitySchemes ?? (document['securityDefinitions'] as Record<string, Part> | undefined)
  const scheme = schemes?.[name]
  if (!scheme) throw new Error(`Undefined security scheme ${name}`)
  const { type, in: place, name: at, scheme: how } = resolve(document, scheme)
  if (type === 'apiKey') return { kind: 'key', in: place as 'header', name: String(at) }
  return { kind: type === 'basic' || String(how).toLowerCase() === 'basic' ? 'basic' : 'bearer' }
}

function readResponse(document: Part, status: number, response: Part): Response {
  const content = (response['content'] ?? {}) as Record<string, Part>
  const type = Object.keys(content).find((name) => /json/.test(name)) ?? Object.keys(content)[0]
  const media = type === undefined ? undefined : content[type]
  if (!media) {
    const [first] = Object.values((response['examples'] ?? {}) as Part)
    return {
      status,
      schema: response['schema'] as Schema | undefined,
      examples: first === undefined ? {} : { default: first },
    }
  }
  return { status, schema: media['schema'] as Schema | undefined, examples: examplesOf(document, media) }
}

function examplesOf(document: Part, media: Part): Record<string, unknown> {
  const named = Object.entries((media['examples'] ?? {}) as Record<string, Part>)
  return {
    ...('example' in media ? { default: media['example'] } : {}),
    ...Object.fromEntries(named.map(([name, example]) => [name, exampleOf(document, example)])),
  }
}

/** An example, or its value, may be a reference. */
function exampleOf(document: Part, example: Part): unknown {
  const { value } = resolve(document, example)
  const inner = value as Part | null | undefined
  return typeof inner?.['$ref'] === 'string' ? resolve(document, inner)['value'] : value
}

/** Resolves a `$ref`. */
export function resolve(document: Part, part: Part): Part {
  const { $ref } = part
  return typeof $ref === 'string' ? resolve(document, valueAt(document, $ref) as Part) : part
}

function list(value: unknown): Part[] {
  return Array.isArray(value) ? value : []
}

/** Returns the value at a pointer such as `#/components/schemas/issue`. */
export function valueAt(document: Part, pointer: string): unknown {
  const names = pointer.replace(/^#\/?/, '').split('/')
  const found = names.reduce<unknown>((part, name) => {
    const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
    return part !== null && typeof part === 'object' ? (part as Part)[key] : undefined
  }, document)
  if (found === undefined) throw new Error(`Undefined reference ${pointer}`)
  return found
}
