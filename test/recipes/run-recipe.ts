import assert from 'node:assert/strict'
import { Service, triggered } from '../e2e/service.ts'
import type { Checks, Program, Started } from '../real/program.ts'
import { startProxy } from '../real/proxy.ts'
import { connectionText } from './page.ts'

/** A page of docs/http/ and its server, real or fake. */
export interface Recipe {
  /** The name of the server, such as `Trac`. Defaults to the page. */
  name?: string
  /** The page in docs/http/ without its extension. */
  page: string
  category: string
  /** Returns the values of the placeholders of the page, such as `<token>`, except that of the URL. */
  values?(started: Started): Record<string, string>
  /** Returns the number of tickets, runs or messages on the server. Absent if nothing is written. */
  count?(started: Started): Promise<number>
  /** Calls that the server refuses, and its reasons. */
  refused?: [action: string, input: object, message: RegExp][]
  /** The placeholder of the credential, and the server's reason for the refusal of another one. */
  wrongCredentials?: { placeholder: string; message: RegExp } & Partial<TriedCall>
}

/** The call that a test sends. */
interface TriedCall {
  action: string
  input: object
}

/** A recipe and the tests of its server. */
export type Tried<R extends Recipe> = R &
  Pick<Program, 'name' | 'checks'> & { prepare(started: Started): Promise<Prepared> }

/** A recipe whose tests can run in a runtime with its secrets. */
interface Prepared {
  secrets: Record<string, unknown>
  /** @param restart ends the runtime at once, and starts it again */
  testsIn(service: Service, restart: () => Promise<unknown>): Checks['tests']
  close(): Promise<void>
}

/** A runtime with the connection of a recipe. */
export interface Running {
  started: Started
  call(action: string, input: object, query?: string, event?: object): ReturnType<Service['call']>
  /** Calls an action interactively and returns its only finished event. */
  finish(action: string, input: object, query?: string): Promise<Finished>
  /** Sends the event of an interactive call twice, and ends and restarts the process meanwhile. Returns its only finished event. */
  finishAfterRestart(action: string, input: object): Promise<Finished>
  /** Returns the number of writes that an operation causes on the server. */
  writes(run: () => Promise<unknown>): Promise<number>
}

export interface Finished {
  status: string
  result: string
  message: string
  // biome-ignore lint/suspicious/noExplicitAny: each platform has its own data.
  task: any
}

/**
 * Returns a recipe with the tests of its kind and those of every kind.
 *
 * @param usual the call of the test of wrong credentials, unless the recipe has another one
 */
export function program<R extends Recipe>(
  recipe: R,
  usual: TriedCall,
  tests: (running: Running) => Checks['tests'],
): Tried<R> {
  const { page, name = page, category, wrongCredentials } = recipe
  return {
    ...recipe,
    name: `${name} (docs/http/${page}.md)`,
    prepare,
    async checks(started) {
      const { secrets, testsIn, close } = await prepare(started)
      const service = await new Service({ secrets }).start()
      return {
        tests: testsIn(service, () => service.kill().then(() => service.start())),
        async close() {
          await service.end()
          await close()
        },
      }
    },
  }

  async function prepare(started: Started): Promise<Prepared> {
    const values = recipe.values?.(started) ?? {}
    const connection = connectionOf(page, started, values)
    const { origin, pathname } = new URL(String(connection['baseUrl']))
    const { ca, ...withoutCa } = connection
    const proxy = await startProxy(origin, { ca: ca as string | undefined })
    const path = `cloud-automation-webhooks/connections/${category}/${page}`
    const secrets = {
      [`${path}-real`]: connection,
      [`${path}-lossy`]: { ...withoutCa, baseUrl: new URL(pathname, proxy.url).href },
      [`${path}-wrong`]: connectionOf(page, started, {
        ...values,
        ...(wrongCredentials && { [wrongCredentials.placeholder]: 'another-password' }),
      }),
    }
    return { secrets, testsIn, close: proxy.close }

    function testsIn(service: Service, restart: () => Promise<unknown>): Checks['tests'] {
      const call: Running['call'] = (action, input, query = '', event = triggered({ input })) => {
        const [, which = 'real'] = /connection=(\w+)/.exec(query) ?? []
        const options = query.replace(/&connection=\w+/, '')
        return service.call(`/v1/${category}/${action}?connection=${page}-${which}${options}`, event)
      }
      const accept = async (action: string, input: object, query: string, event: ReturnType<typeof triggered>) => {
        const { status, body } = await call(action, input, `${query}&mode=interactive`, event)
        assert.equal(status, 202, JSON.stringify(body))
        return body.taskId as string
      }
      const endOf = async (taskId: string, { id }: { id: string }): Promise<Finished> => {
        const isRunning = ({ name, status }: { name: string; status: string }) =>
          name === taskId && status === 'RUNNING'
        await service.until(async () => !(await service.tasks()).some(isRunning), `the end of ${taskId}`, 150)
        const { finished } = await service.repliesTo(id)
        assert.equal(finished.length, 1)
        return { ...finished[0], task: finished[0].openticket }
      }
      const finish: Running['finish'] = async (action, input, query = '') => {
        const event = triggered({ input })
        if (query.includes('lossy')) proxy.loseNext(({ method }) => method !== 'GET')
        return endOf(await accept(action, input, query, event), event)
      }
      const finishAfterRestart: Running['finishAfterRestart'] = async (action, input) => {
        const event = triggered({ input })
        await accept(action, input, '', event)
        await restart()
        return endOf(await accept(action, input, '', event), event)
      }
      const writes = async (run: () => Promise<unknown>) => {
        const count = async () => (await recipe.count?.(started)) ?? 0
        const before = await count()
        await run()
        return (await count()) - before
      }
      return { ...tests({ started, call, finish, finishAfterRestart, writes }), ...refusals(recipe, usual, call) }
    }
  }
}

function refusals(
  { refused = [], wrongCredentials }: Recipe,
  usual: TriedCall,
  call: Running['call'],
): Checks['tests'] {
  const tests: Checks['tests'] = {}
  for (const [action, input, message] of refused)
    tests[`reports a refusal of ${action} with the reason of the server: ${message.source}`] = async () => {
      const { status, body } = await call(action, input)
      assert.equal(status, 422, JSON.stringify(body))
      assert.match(body.detail, message)
    }
  if (!wrongCredentials) return tests
  const { action, input, message } = { ...usual, ...wrongCredentials }
  return {
    ...tests,
    async 'reports wrong credentials, and the secret that has them'() {
      const { status, body } = await call(action, input, '&connection=wrong')
      assert.equal(status, 422, JSON.stringify(body))
      assert.match(body.detail, message)
      assert.match(body.detail, /connections\/[\w-]+\/[\w-]+-wrong/)
    },
  }
}

/** Returns the connection of the page with the values of a server. */
function connectionOf(page: string, { url }: Started, values: Record<string, string>): Record<string, unknown> {
  const text = connectionText(page)
  let filled = text.replaceAll(new URL(JSON.parse(text).baseUrl).origin, url)
  for (const [open, value] of Object.entries(values)) {
    assert.ok(filled.includes(open), `docs/http/${page}.md has no ${open}`)
    filled = filled.replaceAll(open, JSON.stringify(value).slice(1, -1))
  }
  return JSON.parse(filled)
}
