import { styleText } from 'node:util'
import { isRecord } from '../../../shared/record.ts'
import { isCredential } from '../../../shared/redact.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { type HintOptions, hintsOf } from './hints.ts'
import { type Evaluated, type Step, withRest } from './recorder.ts'

const MAX_SHOWN_CHARACTERS = 1_500

/** A request in a report, with credentials masked. */
export interface ReportedStep {
  request: string
  sent: boolean
  method?: string
  url?: string
  headers?: Record<string, string>
  body?: string
  status?: number
  /** Clipped. */
  response?: string
  error?: string
  expressions: { field: string; expression: string; finds?: unknown; problem?: string }[]
  hints: string[]
}

export interface Report {
  steps: ReportedStep[]
  /** Message of the action. */
  message?: string
  /** Empty if the connection works. */
  problems: string[]
}

export function reportStep(recorded: Step, options: HintOptions): ReportedStep {
  const step = withRest(recorded, options.connection)
  const { name, request, held, response, error, expressions } = step
  return {
    request: name,
    sent: request !== undefined && !held,
    ...(request ? { method: request.method, url: request.url, headers: maskHeaders(request.headers) } : {}),
    ...(request?.body === undefined ? {} : { body: short(request.body) }),
    ...(response ? { status: response.status, response: describeResponse(name, response.body) } : {}),
    ...(error === undefined ? {} : { error }),
    expressions: expressions.map(reportExpression),
    hints: hintsOf(step, options),
  }
}

/** Formats a report as text. */
export function reportText({ steps, message, problems }: Report): string {
  const parts = steps.map(stepText)
  if (message !== undefined) parts.push(message)
  parts.push(...problems.map((problem) => `${paint('red', 'Problem:')} ${problem}`))
  return parts.join('\n\n')
}

function stepText(step: ReportedStep): string {
  const { request, sent, method, url, headers = {}, body, status, response, error, expressions, hints } = step
  const lines = [paint('bold', sent ? request : `${request} (not sent)`)]
  if (method !== undefined) lines.push(`  ${method} ${url}`)
  lines.push(...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`))
  if (body !== undefined) lines.push(`  ${body}`)
  if (status !== undefined) lines.push(`  -> ${status} ${response}`)
  if (error !== undefined) lines.push(`  -> ${error}`)
  lines.push(...expressions.map(expressionText), ...hints.map((hint) => `  ${paint('yellow', 'Hint:')} ${hint}`))
  return lines.join('\n')
}

function expressionText({ field, expression, finds, problem }: ReportedStep['expressions'][number]): string {
  const value = problem ?? (finds === undefined ? 'nothing' : short(JSON.stringify(finds)))
  return `  ${field}, ${JSON.stringify(expression)}, ${problem === undefined ? 'finds' : 'fails:'} ${value}`
}

function reportExpression({ where, text, found, problem }: Evaluated): ReportedStep['expressions'][number] {
  return {
    field: where,
    expression: text,
    ...(found === undefined ? {} : { finds: found }),
    ...(problem === undefined ? {} : { problem }),
  }
}

function maskHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isCredential(name) ? '***' : value]))
}

/** Describes a response. The values in a login response are secret. */
function describeResponse(name: string, body: unknown): string {
  if (name === 'login') return isRecord(body) ? `an object with ${Object.keys(body).join(', ')}` : 'not JSON'
  if (body === undefined) return 'without a body'
  return short(typeof body === 'string' ? body : JSON.stringify(body))
}

function short(text: string): string {
  return clipSingleLine(text, MAX_SHOWN_CHARACTERS)
}

/** Colors a text, unless stdout is not a terminal or NO_COLOR is set. */
function paint(style: 'bold' | 'red' | 'yellow', text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
