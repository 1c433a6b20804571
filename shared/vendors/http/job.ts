import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional, withDescription, word } from '../../fields.ts'
import { defineJobProvider, type Run, type StartJob } from '../../providers/job.ts'
import type { Client } from '../../providers/provider.ts'
import { limitOutput, metricsIn } from '../../providers/run-output.ts'
import { isRecord } from '../../record.ts'
import { connectionOf, httpApi, namesOf, needed, requireFound } from './connection.ts'
import { expression, findIn, findText, type Names, requireText } from './expression.ts'
import { create, createField, read, readField, write, writeField } from './request.ts'

/** The state of a run that the API no longer has, if `states` of the connection says what it means. */
const GONE = 'gone'

const connection = connectionOf({
  target: optional(word('Default job')),
  project: optional(word('Default project')),
  start: createField('Starts the job input.target'),
  look: readField('Reads the run input.id'),
  find: optional(readField('Looks for the run that was started with key')),
  stop: optional(writeField('Stops the run input.id')),
  run: z.strictObject({
    id: expression('Its id in the response: response.id'),
    url: optional(expression('Where people see it')),
    state: expression("The API's word for its state, in the response of look"),
    step: optional(expression('How far it is, for people')),
    reason: optional(expression('Why it ended so')),
    output: optional(expression('Its results: numbers in it are what thresholds judge')),
  }),
  states: withDescription(
    z.record(z.string(), z.enum(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'])),
    'What each state means: {"done":"pass","broken":"fail"}. A state that is not listed is not an end. "gone" is a run that look does not find',
  ),
})
type Api = Client<z.output<typeof connection>>

/** Jobs of any API: the connection describes its requests and where the values are in its responses. */
export const httpJob = defineJobProvider({
  title: 'HTTP API',
  noun: 'run',
  connection,
  ...httpApi,
  // The connection says what a state means.
  states: {},

  checkStart({ onDeadline }, { stop }) {
    if (onDeadline !== 'stop' || stop) return
    const message = 'not possible, because the connection has no "stop": write leave'
    throw new Failure('invalid', `input.onDeadline is ${message}`, { errors: [{ path: 'input.onDeadline', message }] })
  },

  find: findRun,

  async start(client, input) {
    const names = namesOf(client, input)
    const { response, findNext } = await create(client, client.connection.start, names, 'start')
    if (findNext) return requireFound(await findRun(client, input), client.connection.find)
    return runIn(client, { ...names, response })
  },

  async getStatus(client, run) {
    const { connection } = client
    const isGoneKnown = Object.hasOwn(connection.states, GONE)
    const accept = isGoneKnown ? [404] : []
    const names = namesOf(client, run)
    const response = await read(client, connection.look, names, { name: 'look', accept })
    const state = response === undefined && isGoneKnown ? GONE : stateIn(client, { ...names, response })
    const text = (name: 'step' | 'reason' | 'url') =>
      findText(connection.run[name], { ...names, response }, `run.${name}`)
    const verdict = Object.hasOwn(connection.states, state) ? connection.states[state] : undefined
    const output = connection.run.output && findIn(connection.run.output, { ...names, response }, 'run.output')
    const shown = limitOutput(output)
    return {
      state,
      ...(verdict ? { verdict } : {}),
      progress: text('step'),
      reason: text('reason'),
      run: { ...run, url: text('url') ?? run.url },
      ...(shown === undefined ? {} : { data: isRecord(shown) ? shown : { output: shown } }),
      metrics: metricsIn(output),
    }
  },

  async stop(client, run) {
    const stop = needed(client.connection.stop, 'stop', 'so nothing can be stopped')
    await write(client, stop, namesOf(client, run), 'stop')
  },
})

async function findRun(client: Api, input: StartJob): Promise<Run | 'unknown' | undefined> {
  const { find, idempotencyHeader } = client.connection
  // A start with the same key is the same start.
  if (!find) return idempotencyHeader ? undefined : 'unknown'
  const names = namesOf(client, input)
  const response = await read(client, find, names, { name: 'find', accept: [404], mustBeCertain: client.isRetry })
  return response === undefined ? undefined : runIn(client, { ...names, response })
}

function stateIn({ connection: { run } }: Api, names: Names): string {
  return requireText(run.state, names, 'run.state')
}

function runIn({ connection: { run } }: Api, names: Names): Run {
  return { id: requireText(run.id, names, 'run.id'), url: findText(run.url, names, 'run.url') }
}
