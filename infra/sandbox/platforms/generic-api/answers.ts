import { type FakeCall, type FakeReply, json } from '../sandbox/http.ts'

type Body = Record<string, unknown>

export interface ToolCall extends Omit<FakeCall, 'body'> {
  body: Body
}

/** Returns an error of the API. */
export function refusal(status: number, message: string): FakeReply {
  return json(status, { message }, {}, message)
}

export function missing(what: string, id: string): FakeReply {
  return refusal(404, `unknown ${what} ${id}`)
}

export function wrong(message: string): FakeReply {
  return refusal(422, message)
}

export function textIn(body: Body, name: string): string | undefined {
  const value = body[name]
  return typeof value === 'string' ? value : undefined
}
