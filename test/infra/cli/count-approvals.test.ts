import { expect, it } from '@jest/globals'
import { countApprovals } from '../../../infra/cli/demo/approve.ts'
import type { DemoRuntime } from '../../../infra/cli/demo/demo-runtime.ts'

const runtimeWith = (...messages: object[]) => ({ list: async () => messages }) as unknown as DemoRuntime
const request = { thread: null, ephemeral: null }

it('counts the requests in the chat', async () => {
  expect(await countApprovals(runtimeWith(request, request))).toBe(2)
})

it.each([
  ['replies', { ...request, thread: '1.2' }],
  ['what only a person who clicks again sees', { ...request, ephemeral: 'jane' }],
])('does not count %s', async (_what, message) => {
  expect(await countApprovals(runtimeWith(request, message))).toBe(1)
})
