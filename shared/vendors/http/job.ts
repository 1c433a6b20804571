import * as z from 'zod/mini'
import { Failure, invalidInput } from '../../errors.ts'
import { optional, withDescription, word } from '../../fields.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  startInput,
  type Verdict,
} from '../../providers/job.ts'
import type { LookUp } from '../../providers/look-up.ts'
import type { Client } from '../../providers/provider.ts'
import { limitOutput, metricsIn } from '../../providers/run-output.ts'
import { isRecord } from '../../record.ts'
import { connectionOf, fieldNamesOf, httpApi, requireFound, requireRequest } from './connection.ts'
import { type ExpressionNames, requireText } from './expression.ts'
import { expression } from './expression-field.ts'
import { requestNames, responseNames } from './names.ts'
import { optionalText, optionalValue } from './optional.ts'
import { create, read, search, write } from './request.ts'
import { type CreateRequest, createField, readField, writeField } from './request-fields.ts'

/** The state of a run that the API has deleted, if `states` of the connection contains it. */
const GONE = 'gone'

const ofStart = requestNames(Object.keys(startInput.shape))
const ofRun = requestNames(['id', 'url', 'target', 'project'])

/** Verdicts of runs that should have a reason, and of runs that should have results. */
const WITH_REASON: Verdict[] = ['warning', 'fail', 'errored']
const WITH_OUTPUT: Verdict[] = ['pass', 'warning', 'fail']

const connection = connectionOf({
  target: optional(word('Default job')),
  project: optional(word('Default project')),
  start: createField('Starts the job input.target', ofStart),
  look: readField('Reads the run input.id', ofRun),
  find: optional(readField('Finds the run whose idempotency key is key', ofStart)),
  stop: optional(writeField('Stops the run input.id', ofRun)),
  rollback: optional(createField('Starts the rollback of input.target. Only for the action rollback', ofStart)),
  run: z.strictObject({
    id: expression('Id of the run in the response: response.id', responseNames),
    url: optional(expression('Link to the run, for people', responseNames)),
    state: expression('State of the run, as the API calls it, in the response of look', responseNames),
    step: optional(expression('Progress of the run, for people', responseNames)),
    reason: optional(expression('Why the run failed', responseNames)),
    output: optional(expression('Results of the run. Thresholds compare the numbers in it', responseNames)),
  }),
  wake: optional(
    z.strictObject({
      id: expression('Id by which notifications of a source name the run. Defaults to run.id', responseNames),
    }),
  ),
  states: withDescription(
    z.record(z.string(), z.enum(['running', 'pass', 'warning', 'fail', 'errored', 'aborted'])),
    'Maps each final state to a result: {"done":"pass","broken":"fail"}. A run in any other state is running. "gone" is the state of a deleted run (status 404)',
  ),
})
type Api = Client<z.output<typeof connection>>

/** The parts of the start that requests about the run may need. */
type Origin = Partial<Pick<StartJob, 'target' | 'project'>>

const lookUp: LookUp = {
  newest: 'all',
  needs: { text: '`find` or `idempotencyHeader` in the connection', without: { find: undefined } },
}

/** Runs jobs with any HTTP API. The connection describes the requests and their responses. */
export const httpJob = defineJobProvider({
  title: 'HTTP API',
  noun: 'run',
  notifiedBy: { type: 'http', wakeId: ({ id }) => id },
  connection,
  ...httpApi,
  // The connection maps the states.
  states: {},

  checkStart(input, connection) {
    checkStop(input, connection)
  },

  lookUp,

  find(client, input) {
    return findRun(client, input)
  },

  parseRunId: ({ id, project }) => ({ id, providerState: { project } satisfies Origin }),

  start(client, input) {
    return startWith(client, input, 'start', client.connection.start)
  },

  async getStatus(client, run) {
    const { look, states } = client.connection
    const names = fieldNamesOf(client, inputOf(client, run))
    if (!Object.hasOwn(states, GONE)) return statusIn(client, run, await read(client, look, names, 'look'))
    const found = await search(client, look, names, 'look')
    if (found.response !== undefined) return statusIn(client, run, found)
    return { state: GONE, ...(states[GONE] ? { verdict: states[GONE] } : {}) }
  },

  async stop(client, run) {
    const stop = requireRequest(client.connection.stop, 'stop', 'so runs cannot be stopped')
    await write(client, stop, fieldNamesOf(client, inputOf(client, run)), 'stop')
  },

  rollback: {
    checkStart(input, connection) {
      if (!connection.rollback)
        throw new Failure('invalid', 'The connection has no "rollback": add the request that starts a rollback.')
      checkStop(input, connection)
    },
    lookUp,
    find(client, input) {
      return findRun(client, input)
    },
    start(client, input) {
      const rollback = requireRequest(client.connection.rollback, 'rollback', 'so nothing can be rolled back')
      return startWith(client, input, 'rollback', rollback)
    },
  },
})

function checkStop({ onDeadline }: StartJob, { stop }: Api['connection']): void {
  if (onDeadline !== 'stop' || stop) return
  throw invalidInput('input.onDeadline', 'must be leave, because the connection has no "stop"')
}

/** @param name field of the connection with the request, for messages */
async function startWith(client: Api, input: StartJob, name: string, start: CreateRequest[]): Promise<Run> {
  const { find } = client.connection
  const { created, findNext } = await create(client, start, fieldNamesOf(client, input), name, find)
  if (findNext) return requireFound(await findRun(client, input), find)
  return runIn(client, input, created)
}

async function findRun(client: Api, input: StartJob): Promise<Run | 'unknown' | undefined> {
  const { find, idempotencyHeader } = client.connection
  // A repeated start with the same key has no effect.
  if (!find) return idempotencyHeader ? undefined : 'unknown'
  const found = await search(client, find, fieldNamesOf(client, input), 'find')
  return found.response === undefined ? undefined : runIn(client, input, found)
}

function runIn(client: Api, { target, project }: StartJob, names: ExpressionNames): Run {
  const { run, wake } = client.connection
  const id = requireText(run.id, names, 'run.id')
  const url = optionalText(client, run.url, names, 'run.url')
  const wakeId = optionalText(client, wake?.id, names, 'wake.id')
  return { id, url, wakeId, providerState: { target, project } satisfies Origin }
}

function statusIn(client: Api, run: Run, names: ExpressionNames): RunStatus {
  const { run: fields, states } = client.connection
  const state = requireText(fields.state, names, 'run.state')
  const verdict = Object.hasOwn(states, state) ? states[state] : undefined
  const text = (name: 'url' | 'step' | 'reason', isExpected = true) =>
    optionalText(client, fields[name], names, `run.${name}`, isExpected)
  const isOneOf = (verdicts: Verdict[]) => verdict !== undefined && verdicts.includes(verdict)
  const output = optionalValue(client, fields.output, names, 'run.output', isOneOf(WITH_OUTPUT))
  const shown = limitOutput(output)
  return {
    state,
    ...(verdict ? { verdict } : {}),
    // An API reports no step of a run that has ended.
    progress: verdict === undefined || verdict === 'running' ? text('step') : undefined,
    reason: text('reason', isOneOf(WITH_REASON)),
    run: { ...run, url: text('url', run.url === undefined) ?? run.url },
    ...(shown === undefined ? {} : { data: isRecord(shown) ? shown : { output: shown } }),
    metrics: metricsIn(output),
  }
}

/** Returns the input of a request about a run. The action that stops a run knows only its id and project. */
function inputOf({ connection: { target, project } }: Api, { id, url, providerState }: Run): unknown {
  const origin = providerState as Origin | undefined
  return { id, url, target: origin?.target ?? target, project: origin?.project ?? project }
}
