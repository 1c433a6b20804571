import type { APIGatewayProxyEvent } from 'aws-lambda'
import type { ActionTool } from './catalogue.ts'
import { type Headers, headerOf } from './mirrored-headers.ts'

/** The part of the tools that a client wants to see. It can only take tools away from what its caller may use. */
export interface Narrowing {
  /** Names of tools, actions and categories. A tool must be in each list. */
  lists: readonly (readonly string[])[]
  /** Only tools that change nothing. */
  isReadOnly: boolean
}

/** The headers that other servers have made usual. */
const LIST_HEADERS = ['x-mcp-toolsets', 'x-mcp-tools']
const READ_ONLY_HEADER = 'x-mcp-readonly'
const OFF = /^\s*(?:false|f|no|n|0|off)\s*$/i

/**
 * Reads how a client narrows its tools: with `?tools=ci-cd,issue-ticketing/open-issue` and `?readonly`, or with headers. An empty list
 * narrows nothing. Unknown names select nothing, as names that the caller may not use do.
 *
 * @throws RpcError if a header was sent with different values
 */
export function readNarrowing(
  { multiValueQueryStringParameters: query }: Pick<APIGatewayProxyEvent, 'multiValueQueryStringParameters'>,
  headers: Headers,
): Narrowing {
  const sent = [(query?.['tools'] ?? []).join(), ...LIST_HEADERS.map((name) => headerOf(headers, name) ?? '')]
  const lists = sent.map((list) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  )
  const header = headerOf(headers, READ_ONLY_HEADER) ?? ''
  return {
    lists: lists.filter((list) => list.length > 0),
    isReadOnly:
      (query?.['readonly'] ?? []).some((value) => !OFF.test(value)) || (header.trim() !== '' && !OFF.test(header)),
  }
}

/** Whether a tool is in the lists of a client. */
export function isToolListed({ category, names, tool }: ActionTool, { lists }: Narrowing): boolean {
  const selectors = [category, tool.name, ...names.map((name) => `${category}/${name}`)]
  return lists.every((list) => selectors.some((selector) => list.includes(selector)))
}
