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

/** How a call says who it is from: one way of several, each of one or more credentials. */
export type Credential = { kind: 'basic' | 'bearer' } | { kind: 'key'; in: 'header' | 'query' | 'cookie'; name: string }

export interface Response {
  status: number
  schema: Schema | undefined
  /** By name; the only one is called `default`. */
  examples: Record<string, unknown>
}

/** What a body of one media type must look like, and what the vendor shows of it. */
interface Media {
  schema: Schema
  examples: unknown[]
}

/** One thing that can be asked of a platform. */
export interface Operation {
  /** The method and the path, as the contract writes it. */
  name: string
  /** Its `operationId`. */
  id?: string | undefined
  method: string
  /** The path with what stands before it at the server. */
  path: string
  parameters: Parameter[]
  body: { required: boolean; content: Record<string, Media> } | undefined
  /** Empty where the contract says nothing of it. */
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
 * Reads an OpenAPI document, whatever its version, into one form.
 *
 * @param under where the API is below the platform's base URL, for what is reached through a gateway
 */
export function readContract(document: Part, under = ''): Contract {
  const info = (document['info'] ?? {}) as { title?: string; version?: string }
  const base = `${under}${basePath(document)}`.replace(/\/$/, '')
  const paths = (document['paths'] ?? {}) as Record<string, Part>
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method] !== undefined)
      .map((method) => readOperation(document, { method, path, base, item })),
  )
  return { title: info.title ?? '', version: info.version ?? '', document, operations }
}

function basePath(document: Part): string {
  // A server may be a path alone.
  return URL.parse(serverOf(document), 'http://server.invalid')?.pathname.replace(/^\/$/, '') ?? ''
}

/** The URL of its server, which may be a path alone, or empty. */
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

interface Place {
  method: string
  path: string
  base: string
  item: Part
}

function readOperation(document: Part, { method, path, base, item }: Place): Operation {
  const operation = item[method] as Part
  const listed = [...list(item['parameters']), ...list(operation['parameters'])].map((one) => follow(document, one))
  // One of the operation takes the place of one of the path.
  const byName = new Map(listed.map((one) => [`${one['in']} ${one['name']}`, one]))
  const given = [...byName.values()]
  const security = (operation['security'] ?? document['security'] ?? []) as Record<string, unknown>[]
  return {
    name: `${method.toUpperCase()} ${path}`,
    id: operation['operationId'] as string | undefined,
    method: method.toUpperCase(),
    path: `${base}${path}`,
    parameters: given.filter((one) => one['in'] !== 'body').map(readParameter),
    body: readBody(
      document,
      operation,
      given.find((one) => one['in'] === 'body'),
    ),
    credentials: security.map((way) => Object.keys(way).map((name) => readCredential(document, name))),
    responses: Object.entries((operation['responses'] ?? {}) as Record<string, Part>).flatMap(([status, response]) =>
      /^\d+$/.test(status) ? [readResponse(document, Number(status), follow(document, response))] : [],
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
    // In 2.0 a parameter is its own schema.
    schema: (schema as Schema | undefined) ?? ofContent?.schema ?? { ...parameter, required: undefined },
  }
}

function readBody(document: Part, operation: Part, ofTwo: Part | undefined): Operation['body'] {
  if (ofTwo) {
    const types = (operation['consumes'] ?? document['consumes'] ?? ['application/json']) as string[]
    const examples = 'x-example' in ofTwo ? [ofTwo['x-example']] : []
    const content = Object.fromEntries(types.map((type) => [type, { schema: ofTwo['schema'] as Schema, examples }]))
    return { required: ofTwo['required'] === true, content }
  }
  if (!operation['requestBody']) return undefined
  const body = follow(document, operation['requestBody'] as Part)
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
  if (!scheme) throw new Error(`The contract asks for the credential ${name}, which it does not define`)
  const { type, in: place, name: at, scheme: how } = follow(document, scheme)
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

/** Some are a reference, and some hold one as their value. */
function exampleOf(document: Part, example: Part): unknown {
  const { value } = follow(document, example)
  const inner = value as Part | null | undefined
  return typeof inner?.['$ref'] === 'string' ? follow(document, inner)['value'] : value
}

/** The part itself, or what its `$ref` points at. */
export function follow(document: Part, part: Part): Part {
  const { $ref } = part
  return typeof $ref === 'string' ? follow(document, pointedAt(document, $ref) as Part) : part
}

function list(value: unknown): Part[] {
  return Array.isArray(value) ? value : []
}

/** What a pointer such as `#/components/schemas/issue` points at. */
export function pointedAt(document: Part, pointer: string): unknown {
  const names = pointer.replace(/^#\/?/, '').split('/')
  const found = names.reduce<unknown>((part, name) => {
    const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
    return part !== null && typeof part === 'object' ? (part as Part)[key] : undefined
  }, document)
  if (found === undefined) throw new Error(`The contract refers to ${pointer}, which it does not have`)
  return found
}
