import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { readLimited } from './http.ts'
import { ACCOUNT } from './names.ts'

/** Request limit of API Gateway. */
const MAX_BODY_BYTES = 10 * 1024 * 1024
const API_ID = 'local'

/** The API Gateway resource that receives a request. */
export interface Resource {
  /** Path with parameters in braces, such as `/{category}/{proxy+}`. */
  resource: string
  /** First segment of the URL path, such as `v1`. */
  stage: string
  pathParameters?: Record<string, string>
}

/** Returns the body of a request; undefined if it exceeds the limit. Then respond with `tooLong()`. */
export function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  return readLimited(req, MAX_BODY_BYTES)
}

/** Returns the response of API Gateway to a body that is too long. */
export function tooLong(): APIGatewayProxyResult {
  return { statusCode: 413, body: '{"message":"Request Too Long"}' }
}

/**
 * Creates the event that a REST API (v1) with Lambda proxy integration sends to the function.
 *
 * @param body encoded as base64 if it is not UTF-8
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function toProxyEvent(req: IncomingMessage, body: Buffer, resource: Resource): APIGatewayProxyEvent {
  const [fullPath = '/', query = ''] = split(req.url ?? '/')
  const domainName = (req.headers.host ?? 'localhost').replace(/:\d+$/, '')
  const sourceIp = (req.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '')
  const headers = multiValue([
    ...headerPairs(req.rawHeaders),
    ['X-Forwarded-For', sourceIp],
    ['X-Forwarded-Port', String(req.socket.localPort ?? '')],
    ['X-Forwarded-Proto', 'http'],
  ])
  const parameters = multiValue([...new URLSearchParams(query)])
  const isText = isUtf8(body)
  const now = new Date()
  return {
    resource: resource.resource,
    path: withoutStage(fullPath, resource.stage),
    httpMethod: req.method ?? 'GET',
    headers: lastValues(headers),
    multiValueHeaders: headers,
    queryStringParameters: query === '' ? null : lastValues(parameters),
    multiValueQueryStringParameters: query === '' ? null : parameters,
    pathParameters: resource.pathParameters ?? null,
    stageVariables: null,
    requestContext: {
      accountId: ACCOUNT,
      apiId: API_ID,
      authorizer: null,
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      extendedRequestId: randomUUID(),
      httpMethod: req.method ?? 'GET',
      identity: { ...NO_IDENTITY, sourceIp, userAgent: req.headers['user-agent'] ?? null },
      path: fullPath,
      protocol: `HTTP/${req.httpVersion}`,
      requestId: randomUUID(),
      requestTime: now.toUTCString(),
      requestTimeEpoch: now.getTime(),
      resourceId: API_ID,
      resourcePath: resource.resource,
      stage: resource.stage,
    },
    body: body.length === 0 ? null : body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  }
}

/**
 * Sends the result of the function.
 *
 * @param result anything other than a proxy result sends 502, as API Gateway does
 */
export function writeProxyResult(res: ServerResponse, result: unknown): void {
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = isProxyResult(result) ? result : MALFORMED
  for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, String(value))
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) res.setHeader(name, values.map(String))
  if (!res.hasHeader('content-type')) res.setHeader('content-type', 'application/json')
  res.setHeader('x-amzn-requestid', randomUUID())
  // writeHead() would send a chunked response without Content-Length.
  res.statusCode = Number(statusCode)
  res.end(isBase64Encoded ? Buffer.from(body ?? '', 'base64') : (body ?? ''))
}

const MALFORMED: APIGatewayProxyResult = { statusCode: 502, body: '{"message": "Internal server error"}' }

const NO_IDENTITY = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
}

function isProxyResult(result: unknown): result is APIGatewayProxyResult {
  if (typeof result !== 'object' || result === null) return false
  const status = Number((result as { statusCode?: unknown }).statusCode)
  const { body } = result as { body?: unknown }
  return Number.isInteger(status) && status >= 100 && status < 600 && (body == null || typeof body === 'string')
}

function split(url: string): [path: string, query: string] {
  const index = url.indexOf('?')
  return index < 0 ? [url, ''] : [url.slice(0, index), url.slice(index + 1)]
}

function withoutStage(path: string, stage: string): string {
  if (path === `/${stage}`) return '/'
  return path.startsWith(`/${stage}/`) ? path.slice(stage.length + 1) : path
}

function headerPairs(raw: string[]): [string, string][] {
  return raw.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []))
}

function multiValue(pairs: [string, string][]): Record<string, string[]> {
  // No prototype: a header or parameter may have the name of a member of Object.
  const values: Record<string, string[]> = Object.create(null)
  for (const [name, value] of pairs) {
    const list = values[name] ?? []
    list.push(value)
    values[name] = list
  }
  return { ...values }
}

function lastValues(values: Record<string, string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1) ?? '']))
}
