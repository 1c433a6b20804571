import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Contract, Credential, Operation, Parameter, Response, Schema } from '../../infra/openapi/contract.ts'
import { type Direction, toJsonSchema } from './json-schema.ts'

/** A received request. */
export interface Sent {
  method: string
  /** Encoded. */
  path: string
  query: URLSearchParams
  headers: Record<string, string | undefined>
  body: string
}

const form = 'application/x-www-form-urlencoded'
const MAX_ERRORS = 8

/** Compiles a pattern. Some patterns of vendors are valid only with the flag `u`, others only without it. */
const pattern = Object.assign(
  (text: string, flags: string) => {
    try {
      return new RegExp(text, flags)
    } catch {
      return new RegExp(text)
    }
  },
  // Ajv uses this name only in generated code.
  { code: 'RegExp' },
)

/** Checks requests, and the responses of tests, against a contract. */
export class Checker {
  readonly #contract: Contract
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, code: { regExp: pattern } })
  readonly #validators = new Map<string, (value: unknown, at: string) => string[]>()

  constructor(contract: Contract) {
    this.#contract = contract
    formats.default(this.#ajv)
  }

  /** Returns the violations of the contract in a request. */
  request(operation: Operation, given: Sent, path: Record<string, string>): string[] {
    const sent = isQueryProtocol(operation) ? { ...given, query: actionIn(given) } : given
    return [
      ...credentialErrors(operation.credentials, sent),
      ...this.#parameters(operation, sent, path),
      ...this.#body(operation, sent),
    ]
  }

  /** Returns the errors in the request examples of the contract. Correctly parsed examples have no errors. */
  examples({ body }: Operation): string[] {
    return Object.values(body?.content ?? {}).flatMap(({ schema, examples }) =>
      examples.flatMap((example) => this.#errors(schema, 'request', example, 'body')),
    )
  }

  /** Returns the violations in a response body. */
  response({ status, schema }: Response, body: unknown): string[] {
    return schema === undefined ? [] : this.#errors(schema, 'response', body, `answer ${status}`)
  }

  #parameters({ parameters }: Operation, { query, headers }: Sent, path: Record<string, string>): string[] {
    const errors = parameters.flatMap((parameter) => {
      const what = `the ${parameter.in} parameter ${parameter.name}`
      const values = valuesOf(parameter, { query, headers, path })
      if (values.length > 0) return this.#parameter(parameter, values, what)
      return parameter.required ? [`${what} is missing`] : []
    })
    const known = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
    const unknown = [...new Set(query.keys())].filter((name) => !known.includes(name.replace(/\[\]$/, '')))
    return [...errors, ...unknown.map((name) => `the query parameter ${name} is not in the contract`)]
  }

  /** A parameter is text. It is valid if one of the values that the text can represent is valid. */
  #parameter({ schema }: Parameter, values: string[], what: string): string[] {
    const tried = readings(values).map((value) => this.#errors(schema, 'request', value, what))
    return tried.some((errors) => errors.length === 0) ? [] : (tried.at(-1) ?? [])
  }

  #body(operation: Operation, { headers, body: text }: Sent): string[] {
    const { body, parameters } = operation
    if (parameters.some((parameter) => parameter.in === 'formData'))
      return ['the operation requires a form, which is not supported']
    const type = headers['content-type'] ?? ''
    const isForm = isType(type, form)
    // A form without fields has an empty body.
    if (text === '' && !(isForm && body)) return body?.required ? ['the body is missing'] : []
    if (!body) return ['the contract allows no body']
    const media = Object.entries(body.content).find(([known]) => isType(type, known))?.[1]
    if (media === undefined) {
      const known = Object.keys(body.content).join(' or ')
      return [`the content type is ${type || 'missing'}, but the contract requires ${known}`]
    }
    if (type === 'application/octet-stream') return this.#errors(media.schema, 'request', text, 'body')
    if (!type.includes('json') && !isForm) return [`the body has the type ${type}: only JSON and forms are supported`]
    try {
      const fields = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)
      const value = isQueryProtocol(operation) ? inputOf(fields) : fields
      return this.#errors(media.schema, 'request', value, 'body')
    } catch (error) {
      if (error instanceof SyntaxError) return ['the body is not JSON']
      throw error
    }
  }

  #errors(schema: Schema, direction: Direction, value: unknown, at: string): string[] {
    const converted = JSON.stringify(toJsonSchema(this.#contract.document, schema, direction))
    let validate = this.#validators.get(converted)
    if (!validate) {
      const compiled = this.#ajv.compile(JSON.parse(converted))
      validate = (value, at) => (compiled(value) ? [] : describeErrors(compiled.errors ?? [], at))
      this.#validators.set(converted, validate)
    }
    return validate(value, at)
  }
}

function credentialErrors(ways: Credential[][], sent: Sent): string[] {
  // Some contracts also allow anonymous requests, but ours always have credentials.
  const named = ways.filter((way) => way.length > 0)
  if (named.length === 0 || named.some((way) => way.every((one) => hasCredential(one, sent)))) return []
  const wanted = named.map((way) => way.map(credentialName).join(' and ')).join(', or ')
  return [`the credentials are missing: the contract requires ${wanted}`]
}

function hasCredential(credential: Credential, { headers, query }: Sent): boolean {
  const { authorization = '', cookie = '' } = headers
  if (credential.kind === 'key') {
    const { in: place, name } = credential
    if (place === 'query') return Boolean(query.get(name))
    return place === 'cookie' ? cookie.includes(`${name}=`) : Boolean(headers[name.toLowerCase()])
  }
  if (credential.kind === 'bearer') return /^Bearer \S+$/i.test(authorization)
  const encoded = /^Basic (\S+)$/i.exec(authorization)?.[1] ?? ''
  // The user name can be empty: Azure DevOps requires only a token.
  return /^[^:]*:./.test(Buffer.from(encoded, 'base64').toString())
}

function credentialName(credential: Credential): string {
  return credential.kind === 'key' ? `the ${credential.in} ${credential.name}` : `Authorization: ${credential.kind}`
}

function valuesOf(
  parameter: Parameter,
  { query, headers, path }: Pick<Sent, 'query' | 'headers'> & { path: Record<string, string> },
): string[] {
  const { name } = parameter
  if (parameter.in === 'query') return [...query.getAll(name), ...query.getAll(`${name}[]`)]
  const value =
    parameter.in === 'path' ? path[name] : parameter.in === 'header' ? headers[name.toLowerCase()] : undefined
  return value === undefined ? [] : [value]
}

/** Returns the possible values of text in a path, query or header; the most likely one last, for its errors. */
function readings(values: string[]): unknown[] {
  const parts = values.flatMap((value) => value.split(','))
  const lists = [values, parts, parts.map(scalar)]
  const [only] = values
  if (values.length > 1 || only === undefined) return lists
  return [...lists, only, scalar(only)]
}

function scalar(text: string): unknown {
  return /^(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?)$/.test(text) ? JSON.parse(text) : text
}

/** An AWS protocol that sends the operation, version and input as the fields of a form. */
function isQueryProtocol({ path }: Operation): boolean {
  return path.includes('#Action=')
}

/** Adds the operation to the query, as in the contracts. AWS accepts both. */
function actionIn({ query, body }: Sent): URLSearchParams {
  return new URLSearchParams([...query, ['Action', new URLSearchParams(body).get('Action') ?? '']])
}

/** Converts a form to the format of the contract. In a form, a map has the fields `Map.entry.1.Name` and `Map.entry.1.Value.*`. */
function inputOf({ Action, Version, ...fields }: Record<string, string>): object {
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    const [, map = '', entry = '', part] = /^(\w+)(\.entry\.\d+)\.Value\.(\w+)$/.exec(name) ?? []
    const key = fields[`${map}${entry}.Name`]
    if (part !== undefined && key !== undefined) {
      const held = (input[map] ?? {}) as Record<string, object>
      input[map] = { ...held, [key]: { ...held[key], [part]: value } }
    } else if (!/\.entry\.\d+\.Name$/.test(name)) input[name] = value
  }
  return input
}

function isType(type: string, known: string): boolean {
  const bare = (text: string) => text.split(';')[0]?.trim().toLowerCase() ?? ''
  // The contract of CloudWatch does not say which media type its JSON has.
  if (bare(known) === 'application/json' && bare(type) === 'application/x-amz-json-1.0') return true
  return known === '*/*' || bare(type) === bare(known)
}

function describeErrors(errors: ErrorObject[], at: string): string[] {
  // Their alternatives report the details.
  const details = errors.filter(({ keyword }) => !['anyOf', 'if'].includes(keyword))
  const words = (details.length > 0 ? details : errors).map(({ keyword, instancePath, params, message }) => {
    const path = instancePath
      .split('/')
      .slice(1)
      .map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name.replaceAll('~1', '/').replaceAll('~0', '~')}`))
      .join('')
    const place = `${at}${path}`
    switch (keyword) {
      case 'required':
        return `${place} lacks ${params['missingProperty']}`
      case 'unevaluatedProperties':
        return `${place}.${params['unevaluatedProperty']} is not in the contract`
      case 'additionalProperties':
        return `${place}.${params['additionalProperty']} is not in the contract`
      case 'false schema':
        return `${place} is read-only`
      case 'enum':
        return `${place} must be one of ${params['allowedValues'].join(', ')}`
      default:
        return `${place} ${message}`
    }
  })
  return [...new Set(words)].slice(0, MAX_ERRORS)
}
