import type { Credential } from '../../infra/openapi/contract.ts'
import type { Answer, Answers, Write } from './server.ts'

/** One variation of an action: a row of the table that is driven against the contract. */
export interface Case {
  /** `check`, or an action of the category. */
  action: string
  /** Describes the case. */
  how: string
  input?: object
  /** Of the event's `data`. */
  data?: object
  /** Whether the call is answered at once. */
  silent?: true
  /** Fields of the connection that are others here. */
  connection?: object
  /** Without an event id: nothing is looked up. */
  noKey?: true
  /** A retry after an attempt with an unknown outcome. */
  isRetry?: true
  /** How the calls of an operation are answered here, one after the other, where not as the subject's others. */
  answers?: Record<string, Answer[]>
  /** Stops the started job before its status is polled. */
  stops?: true
  /** Text in the message of the outcome or failure. */
  says?: string
  /** It must be refused; else it must pass. */
  refused?: true
}

/** The cases for one contract. */
export interface Subject {
  /** As in `functions/` or `shared/orchestrators/`. */
  name: string
  /** The contract's file, without `.openapi.json`. */
  contract: string
  /** The path of the API relative to the base URL, for an API behind a gateway. */
  under?: string
  /** Replaces the credentials in the contract, if they are missing or incomplete. */
  credentials?: Credential[][]
  /** Operations whose body, or answer, is a document of the caller's own, of which the contract knows no more. */
  documents?: string[]
  /** How operations are answered whose example in the contract does not have what our flow needs. */
  answers?: Answers
  /** How an answer is written, where not as JSON. */
  write?: Write
  cases: Case[]
  /** Does it, with the code that ships, at a platform of this URL; answers what the outcome says. */
  run(url: string, row: Case): Promise<string>
}

/** The key of every call here, as the framework makes it. */
export const key = '0123456789abcdef0123456789abcdef01234567'

/** Returns functions for the cases of one action. Each case adds its own input to the given one. */
export function casesOf(action: string, input: object = {}) {
  const passes = (how: string, says = '', { input: own, ...more }: Partial<Case> = {}): Case => ({
    ...{ action, how, says, input: { ...input, ...own } },
    ...more,
  })
  return {
    passes,
    /** @param says text in the message of the failure */
    fails: (how: string, says: string, more: Partial<Case> = {}) => passes(how, says, { ...more, refused: true }),
  }
}

/** How a platform of tickets says what the rows below are about. */
interface TicketWords {
  id: string
  project: string
  type: string
  assignee: string
  resolution: string
  /** Fields that only this platform has. */
  fields: object
  /** Set if the platform rejects labels. */
  labels?: 'refused'
  /** The operation that reads a ticket, which is open in the standing answers. */
  get: string
  /** The same, closed. */
  closed: Answer
  /** How often a ticket is read before it is closed. */
  readsBeforeClosed: number
  /** How often an update reads it before it reads back the state: of the state alone, and of everything. */
  readsInUpdate: { state: number; everything: number }
  /** Responses to a search that finds the ticket or comment of an earlier attempt. */
  opened: Record<string, Answer[]>
  commented: Record<string, Answer[]>
}

/**
 * Returns the cases of every ticket platform.
 *
 * @param noun the word for a ticket in the names of the actions
 */
export function tickets(words: TicketWords, noun: 'issue' | 'ticket' = 'issue'): Case[] {
  const { id, project, type, assignee, resolution, fields, get, closed, opened, commented } = words
  const { readsBeforeClosed, readsInUpdate } = words
  const labels = ['sev 1', 'checkout']
  const closedAfter = (reads: number) => ({ [get]: [...Array.from({ length: reads }, () => ({})), closed] })
  const closing = closedAfter(readsBeforeClosed)
  const isClosed = { [get]: [closed] }
  const text = {
    title: 'Checkout is slow',
    description: 'Since **14:03**:\n\n- `cart` 2 s\n- [trace](https://example.com/t)',
  }
  const more = { type, ...(words.labels ? {} : { labels }), priority: 'high', assignee, fields }
  const update = (how: string, input: object, answers?: Case['answers']): Case => ({
    action: `update-${noun}`,
    how,
    input: { id, ...input },
    ...(answers ? { answers } : {}),
  })
  const close = (how: string, input: object, says: string, answers: Case['answers'] = closing): Case => ({
    action: `close-${noun}`,
    how,
    input: { id, ...input },
    answers,
    says,
  })
  return [
    { action: 'check', how: 'the credentials' },
    { action: `open-${noun}`, how: 'with a title alone', input: { project, title: text.title }, says: 'Opened' },
    { action: `open-${noun}`, how: 'with everything', input: { project, ...text, ...more }, says: 'Opened' },
    { action: `open-${noun}`, how: 'without an event id', input: { project, ...text }, noKey: true, says: 'Opened' },
    {
      action: `open-${noun}`,
      how: 'again',
      input: { project, ...text },
      isRetry: true,
      answers: opened,
      says: 'Found',
    },
    update('title', { title: text.title }),
    update('description', { description: text.description }),
    update('description to nothing', { description: '' }),
    update('type', { type }),
    { ...update('labels', { labels }), ...(words.labels ? { refused: true, says: 'input.labels' } : {}) },
    update('priority', { priority: 'low' }),
    update('assignee', { assignee }),
    update('what only it knows', { fields }),
    update('to closed', { state: 'closed' }, closedAfter(readsInUpdate.state)),
    update('to open', { state: 'open' }, { [get]: Array.from({ length: readsInUpdate.state }, () => closed) }),
    update(
      'everything and a comment',
      { ...text, ...more, state: 'closed', comment: 'Still slow' },
      closedAfter(readsInUpdate.everything),
    ),
    update('a comment', { comment: '**Still** slow' }),
    { ...update('a comment again', { comment: 'Still slow' }, commented), isRetry: true },
    { ...update('a comment without an event id', { comment: 'Still slow' }), noKey: true },
    close('an open one', {}, 'Closed'),
    close('with comment and resolution', { comment: 'Solved', resolution }, 'Closed'),
    close('one that is closed', {}, 'was closed already', isClosed),
  ]
}
