import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { tokenHash } from '../../../infra/project/token-hash.ts'
import { Service } from '../../e2e/service.ts'
import { installPrograms, programs } from './programs.ts'

const TOKEN = 'token-of-the-agent'
const headers = { authorization: `Bearer ${TOKEN}` }
const callers = { agent: { tokens: [tokenHash(TOKEN)], categories: ['*'], agent: true, writes: 'allow' } }
const service = new Service({ timeScale: 60, secrets: { 'cloud-automation-webhooks/callers': callers } })

interface Framework {
  names: string[]
  /** Returns what the framework passes to a model. */
  call(name: string, input: object): Promise<unknown>
  close(): Promise<void>
}
let frameworks: Record<string, (url: string, headers: object) => Promise<Framework>>

beforeAll(async () => {
  await installPrograms()
  ;({ frameworks } = await import(pathToFileURL(join(programs, 'frameworks.mjs')).href))
  await service.start()
})
afterAll(() => service.end())

const opened = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length

/** Returns the text of a result, or of the error that the framework throws. */
async function textOf(result: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await result)
  } catch (error) {
    return (error as Error).message
  }
}

const taskIn = (text: string) => /issue-ticketing\.[0-9a-f]{40}/.exec(text)?.[0]
const CHECKS_TYPES = ['@langchain/mcp-adapters']
const NAMES = ['@ai-sdk/mcp', '@langchain/mcp-adapters', '@openai/agents', '@strands-agents/sdk']

describe.each(NAMES)('%s', (name) => {
  async function connect(query = ''): Promise<Framework> {
    const start = frameworks[name]
    if (!start) throw new Error('There is no such framework.')
    return start(`${service.url}/v1/mcp${query}`, headers)
  }

  test('lists tools, and calls one once, also with null for what it omits', async () => {
    const { names, call, close } = await connect()
    expect(names.length).toBeGreaterThanOrEqual(33)
    const title = `Opened by ${name}`
    const sent = { key: randomUUID(), wait: 20, input: { title } }
    const texts = [
      await textOf(call('issue-ticketing_open-issue', sent)),
      await textOf(call('issue-ticketing_open-issue', { ...sent, input: { title, assignee: null } })),
    ]
    const [first = '', second = ''] = texts
    // A busy machine may need longer than the call is held.
    expect(first).toMatch(/verdict\W+(?:pass|running)/)
    // This framework compares the types with the schema before it sends a request.
    if (CHECKS_TYPES.includes(name)) expect(second).toContain('did not match expected schema')
    else expect(taskIn(second)).toBe(taskIn(first))
    await service.ended()
    expect(await opened(title)).toBe(1)
    await close()
  })

  test('passes the reason of a refusal to its model', async () => {
    const { call, close } = await connect()
    const text = await textOf(call('issue-ticketing_open-issue', { key: randomUUID(), title: 'Flat' }))
    expect(text).toContain('belongs into input')
    await close()
  })

  test('gets fewer tools by its URL', async () => {
    const { names, close } = await connect('?tools=slo&readonly')
    expect(names.toSorted()).toEqual(['get_task', 'list_connections', 'preview_action', 'slo_request-evaluation'])
    await close()
  })
})
