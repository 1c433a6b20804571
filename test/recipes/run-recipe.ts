import assert from 'node:assert/strict'
import { Service, type ServiceOptions, triggered } from '../e2e/service.ts'
import type { Checks, Program, Started } from '../real/program.ts'
import { startLossyProxy } from './lossy-proxy.ts'
import { connectionText } from './page.ts'

/** A page of docs/http/ and its server, real or fake. */
export interface Recipe {
  /** The name of the server: `Trac`. */
  name: string
  /** The page in docs/http/ without its extension. */
  page: string
  category: string
  /** The placeholders of the page, such as `https://trac.example.com`, with their values for this server. */
  values(started: Started): Record<string, string>
  /** Returns the number of tickets, runs or messages on the server. Absent if nothing is written. */
  count?(started: Started): Promise<number>
  /** Calls that the server refuses, and its reasons. */
  refused?: { action: string; input: object; words: RegExp }[]
  /** The placeholder of the credential, and the server's reason for the refusal of another one. */
  wrongCredentials?: { placeholder: string; words: RegExp } & Partial<TriedCall>
  /** Options of the runtime. Absent for a real server, which runs in real time. */
  runtime?: Pick<ServiceOptions, 'timeScale' | 'webhookTimeout'>
}

/** The call that a test sends. */
interface TriedCall {
  action: string
  input: object
}

/** A recipe and the tests of its server. */
export type Tried<R extends Recipe> = R & Pick<Program, 'checks'>

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
  const { name, category, wrongCredentials, runtime } = recipe
  return {
    ...recipe,
    name: `${name} (docs/http/${recipe.page}.md)`,
    async checks(started) {
      const values = recipe.values(started)
      const connection = connectionOf(recipe, values)
      const proxy = await startLossyProxy(String(connection['baseUrl']), connection['ca'] as string | undefined)
      const { ca: _, ...withoutCa } = connection
      const secrets = {
        [`cloud-automation-webhooks/connections/${category}/real`]: connection,
        [`cloud-automation-webhooks/connections/${category}/lossy`]: { ...withoutCa, baseUrl: proxy.url },
        [`cloud-automation-webhooks/connections/${category}/wrong`]: connectionOf(recipe, {
          ...values,
          ...(wrongCredentials && { [wrongCredentials.placeholder]: 'another-password' }),
        }),
      }
      const service = await new Service({ ...runtime, secrets }).start()
      const call: Running['call'] = (action, input, query = '', event = triggered({ input })) => {
        const connected = query.includes('connection=') ? '' : '&connection=real'
        return service.call(`/v1/${category}/${action}?${`${query}${connected}`.replace(/^&/, '')}`, event)
      }
      const finish: Running['finish'] = async (action, input, query = '') => {
        const event = triggered({ input })
        if (query.includes('lossy')) proxy.loseNextWrite()
        const { status, body } = await call(action, input, `${query}&mode=interactive`, event)
        assert.equal(status, 202, JSON.stringify(body))
        const { finished } = await service.finishedOf(event.id, 150)
        assert.equal(finished.length, 1)
        return { ...finished[0], task: finished[0].openticket }
      }
      const finishAfterRestart: Running['finishAfterRestart'] = async (action, input) => {
        const event = triggered({ input })
        const send = () => call(action, input, '&mode=interactive', event)
        const { status, body } = await send()
        assert.equal(status, 202, JSON.stringify(body))
        await service.kill()
        await service.start()
        assert.equal((await send()).status, 202)
        const { finished } = await service.finishedOf(event.id, 60)
        assert.equal(finished.length, 1)
        return { ...finished[0], task: finished[0].openticket }
      }
      const writes = async (run: () => Promise<unknown>) => {
        const count = async () => (await recipe.count?.(started)) ?? 0
        const before = await count()
        await run()
        return (await count()) - before
      }
      return {
        tests: { ...tests({ started, call, finish, finishAfterRestart, writes }), ...refusals(recipe, usual, call) },
        async close() {
          await service.end()
          await proxy.close()
        },
      }
    },
  }
}

function refusals(
  { refused = [], wrongCredentials }: Recipe,
  usual: TriedCall,
  call: Running['call'],
): Checks['tests'] {
  const tests: Checks['tests'] = {}
  for (const { action, input, words } of refused)
    tests[`reports a refusal of ${action} with the reason of the server: ${words.source}`] = async () => {
      const { status, body } = await call(action, input)
      assert.equal(status, 422, JSON.stringify(body))
      assert.match(body.detail, words)
    }
  if (!wrongCredentials) return tests
  const { action, input, words } = { ...usual, ...wrongCredentials }
  return {
    ...tests,
    async 'reports wrong credentials, and the secret that has them'() {
      const { status, body } = await call(action, input, '&connection=wrong')
      assert.equal(status, 422, JSON.stringify(body))
      assert.match(body.detail, words)
      assert.match(body.detail, /connections\/[\w-]+\/wrong/)
    },
  }
}

/** Returns the connection of the page with the values of a server. */
function connectionOf({ page }: Recipe, values: Record<string, string>): Record<string, unknown> {
  let filled = connectionText(page)
  for (const [open, value] of Object.entries(values)) {
    assert.ok(filled.includes(open), `docs/http/${page}.md has no ${open}`)
    filled = filled.replaceAll(open, JSON.stringify(value).slice(1, -1))
  }
  return JSON.parse(filled)
}
