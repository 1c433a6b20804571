import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { about, optional, word } from '../../fields.ts'
import type { Client } from '../../function/provider.ts'
import { isRecord } from '../../record.ts'
import { defineJobProvider, type Run } from '../../shapes/job.ts'
import { numbersOf, outputOf } from '../../shapes/output.ts'
import { callField, make } from './call.ts'
import { connectionOf, httpApi, must, needed } from './connection.ts'
import { expression, findIn, findText } from './expression.ts'

const connection = connectionOf({
  target: optional(word('Default job')),
  project: optional(word('Default project')),
  start: callField('Starts the job input.target'),
  look: callField('Reads the run input.id'),
  find: optional(callField('Looks for the run that was started with key')),
  stop: optional(callField('Asks for the end of the run input.id')),
  run: z.strictObject({
    id: expression('Its id, in what "at" finds'),
    url: optional(expression('Where people see it')),
    state: expression("The API's word for its state, in what look finds"),
    step: optional(expression('How far it is, for people')),
    reason: optional(expression('Why it ended so')),
    output: optional(expression('What it hands back: numbers in it are what thresholds judge')),
  }),
  states: about(
    z.record(z.string(), z.enum(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'])),
    'What each state means: {"done":"pass","broken":"fail"}. A state that is not here is no end',
  ),
})
type Api = Client<z.output<typeof connection>>

/** Jobs of any API: which calls it has, and where in the answers things are, stands in the connection. */
export const httpJob = defineJobProvider({
  title: 'HTTP API',
  noun: 'run',
  connection,
  ...httpApi,
  // What a state means stands in the connection.
  states: {},

  checkStart({ onDeadline }, { stop }) {
    if (onDeadline !== 'stop' || stop) return
    const message = 'not possible, since the connection has no "stop": write leave'
    throw new Failure('invalid', `input.onDeadline is ${message}`, { errors: [{ path: 'input.onDeadline', message }] })
  },

  async find(client, input) {
    const { find, idempotencyHeader } = client.connection
    // A start with the same key is the same start.
    if (!find) return idempotencyHeader ? undefined : 'unknown'
    const found = await make(client, find, { input, key: client.key }, { name: 'find', reads: true, accept: [404] })
    return found === undefined ? undefined : runIn(client, found)
  },

  async start(client, input) {
    return runIn(client, await make(client, client.connection.start, { input, key: client.key }, { name: 'start' }))
  },

  async look(client, run) {
    const { connection, key } = client
    const found = await make(client, connection.look, { input: run, key }, { name: 'look', reads: true })
    const text = (name: 'step' | 'reason' | 'url') => findText(connection.run[name], found, `run.${name}`)
    const state = must(connection.run.state, found, 'run.state')
    const verdict = Object.hasOwn(connection.states, state) ? connection.states[state] : undefined
    const output = connection.run.output && findIn(connection.run.output, found, 'run.output')
    const shown = outputOf(output)
    return {
      state,
      ...(verdict ? { verdict } : {}),
      step: text('step'),
      reason: text('reason'),
      run: { ...run, url: text('url') ?? run.url },
      ...(shown === undefined ? {} : { data: isRecord(shown) ? shown : { output: shown } }),
      metrics: numbersOf(output),
    }
  },

  async stop(client, run) {
    const stop = needed(client.connection.stop, 'stop', 'so nothing can be stopped')
    await make(client, stop, { input: run, key: client.key }, { name: 'stop' })
  },
})

function runIn({ connection: { run } }: Api, found: unknown): Run {
  return {
    id: must(run.id, found, 'run.id'),
    url: findText(run.url, found, 'run.url'),
  }
}
