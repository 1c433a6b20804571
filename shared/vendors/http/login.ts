import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, seconds, withDescription, word } from '../../fields.ts'
import { Http } from '../../http/client.ts'
import type { HttpResponse } from '../../http/exchange.ts'
import type { Authorization, SignInOptions } from '../../http/options.ts'
import { trace } from '../../http/trace.ts'
import { registerSecret } from '../../redact.ts'
import { basicHeader, type HttpCredentials, listedHeaders } from './credentials.ts'
import { type ExpressionNames, fieldName, find, requireText } from './expression.ts'
import { expression } from './expression-field.ts'
import { ANY, texts, withResponse } from './names.ts'
import { type Body, formOf } from './request-body.ts'

const DEFAULT_LIFETIME_SECONDS = 3_600
/** Renews a login before it expires, so that it stays valid during the request. */
const RENEWAL_MARGIN_MS = 30_000

const names = { ...texts(['username', 'password', 'now']), secrets: ANY } as const

export const loginField = withDescription(
  z.strictObject({
    method: optional(z.enum(['GET', 'POST'])),
    path: z.string().check(z.maxLength(2_000)),
    body: optional(expression('JSON body: {user: username, pass: password}', names)),
    form: optional(expression('Object to send as a form', names)),
    token: optional(expression('Token in the response: response.access_token', withResponse(names))),
    header: optional(word('Header of later requests. Defaults to Authorization')),
    value: optional(
      expression('Value of that header, computed from token. Defaults to Bearer and the token', {
        ...withResponse(names),
        ...texts(['token']),
      }),
    ),
    cookie: optional(withDescription(z.literal(true), 'Sends the cookies of the login response with later requests')),
    lifetime: optional(seconds(60, 30 * 86_400, 'How long a login is valid. Defaults to PT1H')),
    expired: optional(
      withDescription(
        z.array(z.int().check(z.gte(400), z.lte(499))),
        'Statuses that mean, like 401, that the login has expired: [403]',
      ),
    ),
  }),
  'Logs in before the first request. Sends username and password as Basic authentication, unless body or form contains them',
)
export type Login = z.output<typeof loginField>

interface Session {
  headers: Record<string, string>
  secrets: string[]
}

/** Valid sessions by connection. */
const sessions = new Map<string, Session & { until: number }>()

/**
 * Logs in, and authenticates requests until the login expires or the API rejects it.
 *
 * @param ca PEM of a certificate authority to trust in addition to the public ones
 */
export function loginAuthorization(connection: HttpCredentials, login: Login, ca: string | undefined): Authorization {
  const { baseUrl, username, password, secrets } = connection
  const id = JSON.stringify([baseUrl, username, password, secrets, listedHeaders(connection), login])
  return {
    async headers(_request, deadlineAt) {
      const cached = sessions.get(id)
      const session =
        cached && cached.until > Date.now() ? cached : await renew(id, connection, login, { ca, deadlineAt })
      for (const value of session.secrets) registerSecret(value)
      return session.headers
    },
    invalidate: () => void sessions.delete(id),
  }
}

async function renew(id: string, connection: HttpCredentials, login: Login, options: SignInOptions): Promise<Session> {
  const session = await logIn(connection, login, options)
  const until = Date.now() + (login.lifetime ?? DEFAULT_LIFETIME_SECONDS) * 1_000 - RENEWAL_MARGIN_MS
  sessions.set(id, { ...session, until })
  return session
}

async function logIn(connection: HttpCredentials, login: Login, options: SignInOptions): Promise<Session> {
  const { baseUrl, username, password, secrets = {} } = connection
  const now = new Date().toISOString()
  const names: ExpressionNames = { input: {}, key: undefined, event: {}, now, secrets, username, password }
  const http = new Http({
    platform: 'The login of the HTTP API',
    baseUrl: String(baseUrl),
    ...options,
    isCredentialsError: isRefused,
  })
  trace({ kind: 'request', name: 'login' })
  const { headers, body } = requestOf(login, names)
  const authorization = body === undefined ? basicHeader(connection) : {}
  const response = await http.request(login.method ?? 'POST', login.path, {
    headers: { ...listedHeaders(connection), ...authorization, ...headers },
    ...(body === undefined ? {} : { body }),
    isRead: true,
    acceptsPages: true,
    // Login pages redirect the browser.
    accept: [301, 302, 303, 307],
  })
  const token = tokenOf(login, { ...names, response: response.body })
  const cookies = cookiesOf(login, response)
  return { headers: { ...token.headers, ...cookies.headers }, secrets: [...token.secrets, ...cookies.secrets] }
}

function requestOf({ body, form }: Login, names: ExpressionNames): Body {
  if (body !== undefined) return { headers: {}, body: find(body, names, 'login.body') }
  if (form === undefined) return { headers: {} }
  return formOf(find(form, names, 'login.form'), fieldName('login.form'))
}

function tokenOf({ token, header = 'authorization', value }: Login, names: ExpressionNames): Session {
  if (token === undefined) return { headers: {}, secrets: [] }
  const found = requireText(token, names, 'login.token')
  const sent = value === undefined ? `Bearer ${found}` : String(find(value, { ...names, token: found }, 'login.value'))
  return { headers: { [header.toLowerCase()]: sent }, secrets: [found] }
}

function cookiesOf({ cookie }: Login, { headers }: HttpResponse): Session {
  if (!cookie) return { headers: {}, secrets: [] }
  const cookies = new Map<string, string>()
  for (const line of headers['set-cookie']?.split('\n') ?? []) {
    const [pair = ''] = line.split(';')
    const index = pair.indexOf('=')
    if (index > 0) cookies.set(pair.slice(0, index).trim(), pair.slice(index + 1).trim())
  }
  if (cookies.size === 0)
    throw new Failure(
      'misconfigured',
      'The login response sets no cookie. Remove "cookie" from "login" of the connection.',
    )
  const header = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return { headers: { cookie: header }, secrets: [...cookies.values()] }
}

function isRefused(status: number): boolean {
  return status === 400 || status === 403
}
