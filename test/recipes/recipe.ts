import assert from 'node:assert/strict'
import { triggered, until } from '../e2e/service.ts'
import type { Checks, Started } from '../real/program.ts'
import { connectionText } from './page.ts'
import { type Finished, program, type Recipe, type Running, type Tried } from './run-recipe.ts'

interface TicketRecipe extends Recipe {
  open: object
  update?: object
  close?: object
}

interface JobRecipe extends Recipe {
  /** The action that starts a job, such as `trigger-build`, and the one that stops it. */
  start: string
  stop?: string
  /** Inputs of jobs that pass, fail and run for minutes. */
  passes: object
  fails: object
  slow?: object
  /** The deadline at which a slow job is stopped, in seconds; 20 by default. */
  slowDeadline?: number
  /** Returns whether a job is running, not only queued. */
  isRunning?(started: Started): Promise<boolean>
}

interface MessageRecipe extends Recipe {
  input: object
}

interface EvaluationRecipe extends Recipe {
  /** A query of the connection and its value. */
  metric: string
  value: number
  /** Queries that have no data. */
  noData: Record<string, string>
}

/** Returns the tests of a ticket system with the connection of its page. */
export function ticketRecipe<R extends TicketRecipe>(recipe: R): Tried<R> {
  const noun = recipe.category === 'issue-ticketing' ? 'issue' : 'ticket'
  const [open, update, close] = [`open-${noun}`, `update-${noun}`, `close-${noun}`]
  return program(recipe, { action: open, input: recipe.open }, (running) => ({
    ...writesOnce('opens a ticket', open, recipe.open, running),
    async 'opens, updates and closes a ticket interactively'() {
      const { finish, writes } = running
      let id = ''
      const opened = await writes(async () => {
        const finished = await finish(open, recipe.open)
        assert.equal(finished.result, 'pass', finished.message)
        id = finished.task.id
      })
      assert.equal(opened, 1)
      if (recipe.update) {
        const { result, message } = await finish(update, { id, ...recipe.update })
        assert.equal(result, 'pass', message)
      }
      if (recipe.close) {
        const { result, message, task } = await finish(close, { id, ...recipe.close })
        assert.equal(result, 'pass', message)
        assert.ok(task.state)
      }
    },
    ...interrupted(recipe, open, recipe.open, running),
    ...survivesRestart(open, recipe.open, running),
  }))
}

/** Returns the tests of a system with jobs with the connection of its page. */
export function jobRecipe<R extends JobRecipe>(recipe: R): Tried<R> {
  const { start, stop, slow, slowDeadline = 20 } = recipe
  return program(recipe, { action: start, input: recipe.passes }, (running) => {
    const { call, finish } = running
    const stops: Checks['tests'] = {
      async 'stops a job'() {
        const started = await call(start, slow ?? {})
        assert.equal(started.status, 200, JSON.stringify(started.body))
        await until(
          async () => (await recipe.isRunning?.(running.started)) ?? true,
          60,
          () => 'a job that runs',
        )
        const { result, message } = await finish(stop ?? '', { id: started.body.data.id })
        assert.equal(result, 'pass', message)
      },
      async 'stops a job at its deadline and reports it'() {
        const deadline = `&deadline=PT${slowDeadline}S`
        const { status, message } = await finish(start, { ...slow, onDeadline: 'stop' }, deadline)
        assert.notEqual(status, 'succeeded', message)
        assert.match(message, new RegExp(`deadline of ${slowDeadline} s`))
      },
    }
    return {
      ...writesOnce('starts a job', start, recipe.passes, running),
      async 'polls a job until it passes or fails'() {
        const passed = await finish(start, recipe.passes)
        assert.deepEqual([passed.status, passed.result], ['succeeded', 'pass'], passed.message)
        const failed = await finish(start, recipe.fails)
        assert.deepEqual([failed.status, failed.result], ['succeeded', 'fail'], failed.message)
      },
      ...(stop && slow ? stops : {}),
      ...interrupted(recipe, start, recipe.passes, running),
      ...survivesRestart(start, recipe.passes, running),
    }
  })
}

/** Returns the tests of a chat or push service with the connection of its page. */
export function messageRecipe<R extends MessageRecipe>(recipe: R): Tried<R> {
  return program(recipe, { action: 'push-update', input: recipe.input }, (running) => ({
    ...writesOnce('posts a message', 'push-update', recipe.input, running),
    async 'posts a message interactively'() {
      const posted = await running.writes(async () => {
        const { result, message } = await running.finish('push-update', recipe.input)
        assert.equal(result, 'pass', message)
      })
      assert.equal(posted, 1)
    },
    async 'posts again if the response is lost, because a message may come twice'() {
      const posted = await running.writes(async () => {
        const query = '&connection=lossy&deadline=PT2M'
        const { result, message } = await running.finish('push-update', recipe.input, query)
        assert.equal(result, 'pass', message)
      })
      assert.ok(posted === 1 || posted === 2, `${posted} were posted`)
    },
    ...survivesRestart('push-update', recipe.input, running, 2),
  }))
}

/** Returns the tests of a system that measures service levels with the connection of its page. */
export function evaluationRecipe<R extends EvaluationRecipe>(recipe: R): Tried<R> {
  const { metric, value, noData } = recipe
  const input = (op: string, limit: number) => ({ timeframe: '5m', thresholds: [{ metric, op, value: limit }] })
  const evaluate = 'request-evaluation'
  return program(recipe, { action: evaluate, input: input('<', value + 1) }, ({ call, finish }) => ({
    async 'evaluates silently'() {
      const { status, body } = await call(evaluate, input('<', value + 1))
      assert.deepEqual([status, body.result], [200, 'pass'], JSON.stringify(body))
      assert.equal(body.data.indicatorResults[0].value.value, value)
    },
    async 'evaluates interactively, and fails if a threshold is missed'() {
      assert.equal((await finish(evaluate, input('<', value + 1))).result, 'pass')
      assert.equal((await finish(evaluate, input('<', value - 1))).result, 'fail')
    },
    async 'has no verdict if there is no data'() {
      const [name = ''] = Object.keys(noData)
      const thresholds = [{ metric: name, op: '<', value: 1 }]
      const { status } = await finish(evaluate, { timeframe: '5m', queries: noData, thresholds })
      assert.equal(status, 'errored')
    },
  }))
}

/** Returns the values of the placeholders for the user of the server. */
export function userOf({ details }: Started): Record<string, string> {
  return { '<user>': String(details['username']), '<password>': String(details['password']) }
}

/** Returns the headers of a request by the user of the server. */
export function basic({ username, password }: Record<string, string | undefined>): Record<string, string> {
  return { authorization: `Basic ${btoa(`${username}:${password}`)}` }
}

/** Returns the test of a silent call that is repeated. */
function writesOnce(what: string, action: string, input: object, { call, writes }: Running): Checks['tests'] {
  return {
    async [`${what} once, silently, although the call is repeated`]() {
      const event = triggered({ input })
      const written = await writes(async () => {
        const first = await call(action, input, '', event)
        assert.equal(first.status, 200, JSON.stringify(first.body))
        assert.deepEqual((await call(action, input, '', event)).body, first.body)
      })
      assert.equal(written, 1)
    },
  }
}

/** Returns the test of a response that is lost after the server has carried out the request. */
function interrupted({ page }: Recipe, action: string, input: object, { finish, writes }: Running): Checks['tests'] {
  const hasSearch = 'find' in JSON.parse(connectionText(page))
  return {
    async 'writes once although the response is lost'() {
      const written = await writes(async () => {
        const { result, message } = await finish(action, input, '&connection=lossy&deadline=PT2M')
        // Without a search, it stays unknown what the platform did.
        if (hasSearch) assert.equal(result, 'pass', message)
        else assert.match(message, /It is unknown whether/)
      })
      assert.equal(written, 1)
    },
  }
}

/**
 * Returns the test of a call that comes twice and whose process ends.
 *
 * @param most messages may come twice
 */
function survivesRestart(
  action: string,
  input: object,
  { finishAfterRestart, writes }: Running,
  most = 1,
): Checks['tests'] {
  return {
    async 'writes once although the call comes twice and the process ends'() {
      let ended: Finished | undefined
      const written = await writes(async () => {
        ended = await finishAfterRestart(action, input)
      })
      const { result, message = '' } = ended ?? {}
      // A request that was on its way when the process ended may have an unknown outcome.
      assert.ok(result === 'pass' || /unknown|interrupted/.test(message), message)
      assert.ok(written <= most && (result !== 'pass' || written >= 1), `${written} were written`)
    },
  }
}
