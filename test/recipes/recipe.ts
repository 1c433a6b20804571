import assert from 'node:assert/strict'
import { triggered, until } from '../e2e/service.ts'
import type { Checks, Started } from '../real/program.ts'
import { type Finished, program, type Recipe, type Running, type Tried, test } from './run-recipe.ts'

interface TicketRecipe extends Recipe {
  noun: 'issue' | 'ticket'
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
  const { noun } = recipe
  const [open, update, close] = [`open-${noun}`, `update-${noun}`, `close-${noun}`]
  return program(recipe, ({ call, finish, finishAfterRestart, writes }) => [
    [
      'opens a ticket once, silently, although the call is repeated',
      async () => {
        const event = triggered({ input: recipe.open })
        const opened = await writes(async () => {
          const first = await call(open, recipe.open, '', event)
          assert.equal(first.status, 200, JSON.stringify(first.body))
          assert.deepEqual((await call(open, recipe.open, '', event)).body, first.body)
        })
        assert.equal(opened, 1)
      },
    ],
    [
      'opens, updates and closes a ticket interactively',
      async () => {
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
    ],
    ...interrupted(recipe, open, recipe.open, { finish, writes }),
    survivesRestart(open, recipe.open, { finishAfterRestart, writes }),
  ])
}

/** Returns the tests of a system with jobs with the connection of its page. */
export function jobRecipe<R extends JobRecipe>(recipe: R): Tried<R> {
  const { start, stop, slowDeadline = 20 } = recipe
  return program(recipe, ({ call, finish, finishAfterRestart, writes, started: server }) => [
    [
      'starts a job once, silently, although the call is repeated',
      async () => {
        const event = triggered({ input: recipe.passes })
        const started = await writes(async () => {
          const first = await call(start, recipe.passes, '', event)
          assert.equal(first.status, 200, JSON.stringify(first.body))
          assert.deepEqual((await call(start, recipe.passes, '', event)).body, first.body)
        })
        assert.equal(started, 1)
      },
    ],
    [
      'polls a job until it passes or fails',
      async () => {
        const passed = await finish(start, recipe.passes)
        assert.deepEqual([passed.status, passed.result], ['succeeded', 'pass'], passed.message)
        const failed = await finish(start, recipe.fails)
        assert.deepEqual([failed.status, failed.result], ['succeeded', 'fail'], failed.message)
      },
    ],
    ...(stop && recipe.slow
      ? [
          test('stops a job', async () => {
            const started = await call(start, recipe.slow as object)
            assert.equal(started.status, 200, JSON.stringify(started.body))
            await until(
              async () => (await recipe.isRunning?.(server)) ?? true,
              60,
              () => 'a job that runs',
            )
            const { result, message } = await finish(stop, { id: started.body.data.id })
            assert.equal(result, 'pass', message)
          }),
          test('stops a job at its deadline and reports it', async () => {
            const { status, message } = await finish(
              start,
              { ...recipe.slow, onDeadline: 'stop' },
              `&deadline=PT${slowDeadline}S`,
            )
            assert.notEqual(status, 'succeeded', message)
            assert.match(message, new RegExp(`deadline of ${slowDeadline} s`))
          }),
        ]
      : []),
    ...interrupted(recipe, start, recipe.passes, { finish, writes }),
    survivesRestart(start, recipe.passes, { finishAfterRestart, writes }),
  ])
}

/** Returns the tests of a chat or push service with the connection of its page. */
export function messageRecipe<R extends MessageRecipe>(recipe: R): Tried<R> {
  return program(recipe, ({ call, finish, finishAfterRestart, writes }) => [
    test('posts a message once, silently, although the call is repeated', async () => {
      const event = triggered({ input: recipe.input })
      const posted = await writes(async () => {
        const first = await call('push-update', recipe.input, '', event)
        assert.equal(first.status, 200, JSON.stringify(first.body))
        assert.deepEqual((await call('push-update', recipe.input, '', event)).body, first.body)
      })
      assert.equal(posted, 1)
    }),
    test('posts a message interactively', async () => {
      const posted = await writes(async () => {
        const { result, message } = await finish('push-update', recipe.input)
        assert.equal(result, 'pass', message)
      })
      assert.equal(posted, 1)
    }),
    test('posts again if the response is lost, because a message may come twice', async () => {
      const posted = await writes(async () => {
        const { result, message } = await finish('push-update', recipe.input, '&connection=lossy&deadline=PT2M')
        assert.equal(result, 'pass', message)
      })
      assert.ok(posted === 1 || posted === 2, `${posted} were posted`)
    }),
    survivesRestart('push-update', recipe.input, { finishAfterRestart, writes }, 2),
  ])
}

/** Returns the tests of a system that measures service levels with the connection of its page. */
export function evaluationRecipe<R extends EvaluationRecipe>(recipe: R): Tried<R> {
  const { metric, value, noData } = recipe
  const input = (op: string, limit: number) => ({ timeframe: '5m', thresholds: [{ metric, op, value: limit }] })
  const evaluate = 'request-evaluation'
  return program(recipe, ({ call, finish }) => [
    test('evaluates silently', async () => {
      const { status, body } = await call(evaluate, input('<', value + 1))
      assert.deepEqual([status, body.result], [200, 'pass'], JSON.stringify(body))
      assert.equal(body.data.indicatorResults[0].value.value, value)
    }),
    test('evaluates interactively, and fails if a threshold is missed', async () => {
      assert.equal((await finish(evaluate, input('<', value + 1))).result, 'pass')
      assert.equal((await finish(evaluate, input('<', value - 1))).result, 'fail')
    }),
    test('has no verdict if there is no data', async () => {
      const [name = ''] = Object.keys(noData)
      const thresholds = [{ metric: name, op: '<', value: 1 }]
      const { status } = await finish(evaluate, { timeframe: '5m', queries: noData, thresholds })
      assert.equal(status, 'errored')
    }),
  ])
}

/** Returns the headers of a request by the user of the server. */
export function basic({ username, password }: Record<string, string | undefined>): Record<string, string> {
  return { authorization: `Basic ${btoa(`${username}:${password}`)}` }
}

/** Returns the tests of a response that is lost after the server has carried out the request. */
function interrupted(
  { name }: Recipe,
  action: string,
  input: object,
  { finish, writes }: Pick<Running, 'finish' | 'writes'>,
): Checks['tests'] {
  return [
    [
      'writes once although the response is lost',
      async () => {
        const written = await writes(async () => {
          const { result, message } = await finish(action, input, '&connection=lossy&deadline=PT2M')
          assert.ok(result === 'pass' || /not known|unknown/.test(message), `${name}: ${message}`)
        })
        assert.equal(written, 1)
      },
    ],
  ]
}

/**
 * Returns the test of a call that comes twice and whose process ends.
 *
 * @param most messages may come twice
 */
function survivesRestart(
  action: string,
  input: object,
  { finishAfterRestart, writes }: Pick<Running, 'finishAfterRestart' | 'writes'>,
  most = 1,
): Checks['tests'][number] {
  return test('writes once although the call comes twice and the process ends', async () => {
    let ended: Finished | undefined
    const written = await writes(async () => {
      ended = await finishAfterRestart(action, input)
    })
    const { result, message = '' } = ended ?? {}
    // A request that was on its way when the process ended may have an unknown outcome.
    assert.ok(result === 'pass' || /unknown|interrupted/.test(message), message)
    assert.ok(written <= most && (result !== 'pass' || written >= 1), `${written} were written`)
  })
}
