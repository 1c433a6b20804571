import * as z from 'zod/mini'
import { invalidInput } from '../../errors.ts'
import { optional, withDescription, word } from '../../fields.ts'
import { defineJobProvider, type Run, type StartJob, startInput } from '../../providers/job.ts'
import type { Client } from '../../providers/provider.ts'
import { limitOutput, metricsIn } from '../../providers/run-output.ts'
import { isRecord } from '../../record.ts'
import { connectionOf, httpApi, namesOf, requireFound, requireRequest } from './connection.ts'
import { findIn, findText, type Names, requireText } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, responseNames } from './names.ts'
import { create, read, write } from './request.ts'
import { createField, readField, writeField } from './request-fields.ts'

/** The state of a run that the API has deleted, if `states` of the connection contains it. */
const GONE = 'gone'

const ofStart = requestNames(Object.keys(startInput.shape))
const ofRun = requestNames(['id', 'url', 'target', 'project'])

const connection = connectionOf({
  target: optional(word('Default job')),
  project: optional(word('Default project')),
  start: createField('Starts the job input.target', ofStart),
  look: readField('Reads the run input.id', ofRun),
  find: optional(readField('Finds the run whose idempotency key is key', ofStart)),
  stop: optional(writeField('Stops the run input.id', ofRun)),
  run: z.strictObject({
    id: expression('Id of the run in the response: response.id', responseNames),
    url: optional(expression('Link to the run, for people', responseNames)),
    state: expression('State of the run, as the API calls it, in the response of look', responseNames),
    step: optional(expression('Progress of the run, for people', responseNames)),
    reason: optional(expression('Why the run failed', responseNames)),
    output: optional(expression('Results of the run. Thresholds compare the numbers in it', responseNames)),
  }),
  states: withDescription(
    z.record(z.string(), z.enum(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'])),
    'Maps each final state to a result: {"done":"pass","broken":"fail"}. A run in any other state is running. "gone" is the state of a deleted run (status 404)',
  ),
})
type Api = Client<z.output<typeof connection>>

/** The parts of the start that requests about the run may need. */
type Origin = Partial<Pick<StartJob, 'target' | 'project'>>

/** Runs jobs with any HTTP API. The connection describes the requests and their responses. */
export const httpJob = defineJobProvider({
  title: 'HTTP API',
  noun: 'run',
  connection,
  ...httpApi,
  // The connection maps the states.
  states: {},

  checkStart({ onDeadline }, { stop }) {
    if (onDeadline !== 'stop' || stop) return
    throw invalidInput('input.onDeadline', 'must be leave, because the connection has no "stop"')
  },

  find: findRun,

  parseRunId: ({ id, project }) => ({ id, providerState: { project } satisfies Origin }),

  async start(client, input) {
    const names = namesOf(client, input)
    const { response, findNext } = await create(client, client.connection.start, names, 'start')
    if (findNext) return requireFound(await findRun(client, input), client.connection.find)
    return runIn(client, input, { ...names, response })
  },

  async getStatus(client, run) {
    const { connection } = client
    const isGoneKnown = Object.hasOwn(connection.states, GONE)
    const accept = isGoneKnown ? [404] : []
    const names = namesOf(client, inputOf(client, run))
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
    const stop = requireRequest(client.connection.stop, 'stop', 'so runs cannot be stopped')
    await write(client, stop, namesOf(client, inputOf(client, run)), 'stop')
  },
})

async function findRun(client: Api, input: StartJob): Promise<Run | 'unknown' | undefined> {
  const { find, idempotencyHeader } = client.connection
  // A repeated start with the same key has no effect.
  if (!find) return idempotencyHeader ? undefined : 'unknown'
  const names = namesOf(client, input)
  const response = await read(client, find, names, { name: 'find', accept: [404], mustBeCertain: client.isRetry })
  return response === undefined ? undefined : runIn(client, input, { ...names, response })
}

function stateIn({ connection: { run } }: Api, names: Names): string {
  return requireText(run.state, names, 'run.state')
}

function runIn({ connection: { run } }: Api, { target, project }: StartJob, names: Names): Run {
  const id = requireText(run.id, names, 'run.id')
  return { id, url: findText(run.url, names, 'run.url'), providerState: { target, project } satisfies Origin }
}

/** Returns the input of a request about a run. The action that stops a run knows only its id and project. */
function inputOf({ connection: { target, project } }: Api, { id, url, providerState }: Run): unknown {
  const origin = providerState as Origin | undefined
  return { id, url, target: origin?.target ?? target, project: origin?.project ?? project }
}
