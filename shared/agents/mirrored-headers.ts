import { isRecord } from '../record.ts'
import { RPC_CODES, RpcError } from './json-rpc.ts'
import type { JsonObject, Tool } from './server.ts'

/** The headers of a request, by name in lower case, with all their values. */
export type Headers = Record<string, readonly string[]>

/** The parameter that `Mcp-Name` repeats. */
const NAMED_BY: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/**
 * Returns the value of a header.
 *
 * @returns undefined if it was not sent
 * @throws RpcError if it was sent with different values: a proxy may have read another one
 */
export function headerOf(headers: Headers, name: string): string | undefined {
  const values = new Set((headers[name] ?? []).map((value) => value.trim()))
  if (values.size > 1) throw mismatch(`The header ${name} was sent with different values.`)
  return [...values][0]
}

/**
 * Checks that the headers repeat what the body says, so that proxies can decide by them.
 *
 * @throws RpcError
 */
export function checkMirroredHeaders(headers: Headers, method: string, params: JsonObject): void {
  requireEqual(headers, 'mcp-method', method)
  const name = NAMED_BY[method]
  const value = name === undefined ? undefined : params[name]
  if (name !== undefined && typeof value === 'string') requireEqual(headers, 'mcp-name', value)
}

/**
 * Checks the headers that repeat arguments of a tool.
 *
 * @throws RpcError
 */
export function checkArgumentHeaders(headers: Headers, { inputSchema }: Tool, sent: JsonObject): void {
  for (const [path, header] of mirroredArguments(inputSchema)) {
    const value = path.reduce<unknown>((held, part) => (isRecord(held) ? held[part] : undefined), sent)
    const name = `mcp-param-${header.toLowerCase()}`
    if (value !== undefined && value !== null) requireEqual(headers, name, String(value))
    else if (headerOf(headers, name) !== undefined)
      throw mismatch(`The header ${name} was sent without the argument ${path.join('.')}.`)
  }
}

function mirroredArguments({ properties }: JsonObject, above: string[] = []): [string[], string][] {
  if (!isRecord(properties)) return []
  return Object.entries(properties).flatMap(([name, schema]): [string[], string][] => {
    if (!isRecord(schema)) return []
    const header = schema['x-mcp-header']
    const path = [...above, name]
    return typeof header === 'string' ? [[path, header]] : mirroredArguments(schema, path)
  })
}

function requireEqual(headers: Headers, name: string, value: string): void {
  const sent = headerOf(headers, name)
  if (sent === undefined) throw mismatch(`The header ${name} is missing.`)
  if (decode(name, sent) !== value) throw mismatch(`The header ${name} differs from the body.`)
}

const ENCODED = /^=\?base64\?(.*)\?=$/s
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Decodes a value that is not plain ASCII. */
function decode(name: string, value: string): string {
  const [, encoded] = ENCODED.exec(value) ?? []
  if (encoded === undefined) return value
  if (!BASE64.test(encoded)) throw mismatch(`The header ${name} is not valid base64.`)
  return Buffer.from(encoded, 'base64').toString('utf8')
}

function mismatch(message: string): RpcError {
  return new RpcError(RPC_CODES.headers, message, { status: 400 })
}
