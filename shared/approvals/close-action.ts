import * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import { createdId, oneOf, optional } from '../fields.ts'
import { passed } from '../outcome.ts'
import type { ImmediateAction } from '../providers/action.ts'
import { cutText, cuttable, MAX_TEXT } from '../providers/cut-text.ts'
import type { ApprovedWork, MessageProvider } from '../providers/message.ts'

const RESULTS = ['pass', 'warning', 'fail'] as const

export interface CloseApproval extends ApprovedWork {
  id: string
}

/** Closes an approved request with the result of the work. For platforms that decide approvals by their own process. */
export const closeApproval: ImmediateAction<
  MessageProvider,
  CloseApproval,
  { id: string; result?: ApprovedWork['result'] | undefined; comment?: string | undefined }
> = {
  type: 'immediate',
  kind: 'message',
  effect: 'irreversible',
  summary: 'Closes an approved change request with the result of the work',
  input: z.strictObject({
    id: createdId('`data.id` of the approval'),
    result: optional(oneOf(RESULTS, 'Result of the work. Defaults to the result of the sequence so far')),
    comment: optional(cuttable(MAX_TEXT, 'Closing notes')),
  }),
  outputs: ['id', 'state'],
  deadline: 3_600,
  idempotent: true,
  complete({ id, ...input }, { event, provider, note }) {
    if (!provider.process)
      throw invalidInput('input.id', `is not supported: an approval in ${provider.title} ends with its decision`)
    const result = input.result ?? RESULTS.find((known) => known === event.data.result)
    if (result === undefined)
      throw invalidInput('input.result', 'is required, because the event has no result: pass, warning or fail')
    const comment = input.comment === undefined ? undefined : cutText('comment', input.comment, MAX_TEXT, note)
    return { id, result, comment }
  },
  async run({ title, process }, client, { id, ...work }) {
    if (!process) throw new Error(`${title} has no approval process.`)
    const state = await process.close(client, id, work)
    return passed(`Closed ${id} with the result ${work.result} (${state})`, { id, state })
  },
}
