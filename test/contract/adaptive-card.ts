import { Ajv } from 'ajv'
import draft06 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' }
import formats from 'ajv-formats'
import fc from 'fast-check'
import { teamsMessage } from '../../functions/notification/msteams/message.ts'
import { anyMessage } from '../functions/notification/any-message.ts'
import { decided, evaluation, question } from '../functions/notification/messages.ts'

const manyMessages = 200

/**
 * Holds the cards of messages, usual and hostile ones, against the schema of Adaptive Cards, which the contract of a workflow
 * leaves open.
 *
 * @returns the errors, one line each
 */
export function cardProblems({ id: _, ...schema }: { id?: unknown }): string[] {
  const ajv = new Ajv({ strict: false })
  formats.default(ajv)
  ajv.addMetaSchema(draft06)
  // Its "id" is of an older draft than it says.
  const isCard = ajv.compile(schema)
  // It does not know what Teams adds: https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format
  const { msteams, ...wrong } = cardOf(evaluation)
  const reads = JSON.stringify(msteams) === '{"width":"Full"}' && !isCard({ ...wrong, body: [{ type: 'Nothing' }] })
  const cards = [evaluation, question, decided, ...fc.sample(anyMessage, { numRuns: manyMessages, seed: 7 })].map(
    cardOf,
  )
  const problems = cards.flatMap(({ msteams: _, ...card }) =>
    isCard(card) ? [] : [`msteams: invalid card: ${ajv.errorsText(isCard.errors?.slice(0, 3))}`],
  )
  return reads ? [...new Set(problems)] : ['msteams: the schema of Adaptive Cards accepts any value']
}

function cardOf(message: Parameters<typeof teamsMessage>[0]): Record<string, unknown> {
  return teamsMessage(message).attachments[0].content as Record<string, unknown>
}
