import { Failure, toSentence } from '../../errors.ts'
import type { Client } from '../../providers/provider.ts'
import { type ExpressionNames, excerpt, fieldName, findIn, findsNothing, textOf } from './expression.ts'

/**
 * Evaluates an optional expression of a response. If it finds nothing or does not fit, the outcome says so. An empty text is a
 * value.
 *
 * @param where path of the expression in the connection: `run.output`
 * @param isExpected whether the response should contain the value
 */
export function optionalValue(
  { notes }: Client,
  text: string | undefined,
  names: ExpressionNames,
  where: string,
  isExpected = true,
): unknown {
  if (text === undefined) return undefined
  try {
    const found = findIn(text, names, where)
    if (isExpected && (found === undefined || found === 'null'))
      notes.add(`${findsNothing(names, where)}. If the value may be missing, add || '' to the expression.`)
    return found
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (isExpected) notes.add(toSentence(error.message))
    return undefined
  }
}

/** Like `optionalValue`, as text. */
export function optionalText(...parameters: Parameters<typeof optionalValue>): string | undefined {
  return textOf(optionalValue(...parameters))
}

/** Like `optionalValue`, for a number or a number as text. */
export function optionalNumber(
  client: Client,
  text: string | undefined,
  names: ExpressionNames,
  where: string,
): number | undefined {
  const found = optionalValue(client, text, names, where)
  const number = numberIn(found)
  if (text !== undefined && number === undefined && textOf(found) !== undefined)
    client.notes.add(`${fieldName(where)} must find a number, but finds ${excerpt(found)}.`)
  return number
}

/** Returns a number that may be a text; undefined if it is something else. */
export function numberIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && !Number.isNaN(number) ? number : undefined
}
