import { Failure, type FailureKind } from '../../shared/errors.ts'
import type { Answer, Request } from './wire.ts'

/** The kinds of failures with an expected status of 5xx. */
const expected: FailureKind[] = ['platform', 'unconfirmed', 'unavailable', 'misconfigured', 'timeout', 'deadline']
const ours = new Map<number, string[]>()
for (const kind of expected) {
  const { status, title } = new Failure(kind, '')
  ours.set(status, [...(ours.get(status) ?? []), title])
}

/**
 * Returns the errors in a response.
 *
 * @param answer undefined if the connection was closed without a response
 * @param secrets texts that no response may contain
 */
export function wrongWith(request: Request, answer: Answer | undefined, secrets: readonly string[]): string[] {
  // Node's own response to invalid HTTP contains only a status.
  if (answer === undefined) return ['there is no answer']
  const { status, headers, body } = answer
  const type = headers['content-type'] ?? ''
  const wrong: string[] = []
  const text = `${JSON.stringify(headers)}\n${body}`
  if (secrets.some((secret) => text.includes(secret))) wrong.push('a secret is in the answer')
  if ('x-injected' in headers) wrong.push('a header was injected')
  if (body === '' || request.method === 'HEAD') return status >= 500 ? [...wrong, `${status} says nothing`] : wrong
  // The console is a page of scripts, and only here.
  if (type.startsWith('text/html')) return request.path.startsWith('/v1') ? [...wrong, ...wrongWithPage(answer)] : wrong
  if (!/^application\/(problem\+)?json/.test(type)) return [...wrong, `the content type is "${type}"`]
  const parsed = json(body)
  if (parsed === undefined) return [...wrong, `the body is not JSON: ${body.slice(0, 100)}`]
  if (status >= 500 && !(type.includes('problem') && ours.get(status)?.includes(String(parsed['title']))))
    wrong.push(`${status} is not expected: ${body.slice(0, 300)}`)
  return wrong
}

/** A symbol of the buttons on an approval page, without the values of its attributes. */
const SYMBOL = '<svg viewBox="" aria-hidden=true><circle cx="" cy="" r="" stroke=none /><path d=""/></svg>'

function wrongWithPage({ status, headers, body }: Answer): string[] {
  const wrong = status >= 500 && status !== 503 ? [`a page of ${status}`] : []
  if (!headers['content-security-policy']?.includes("default-src 'none'")) wrong.push('a page without a policy')
  // Within quotes it is a value, however it reads.
  const tags = body.replace(/="[^"]*"/g, '=""').replaceAll(SYMBOL, '')
  if (/<(?:script|img|iframe|svg|object)\b|<[^>]*\son\w+=/i.test(tags)) wrong.push('a page with injected HTML')
  return wrong
}

function json(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
