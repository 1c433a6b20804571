import { expect, test } from '@jest/globals'
import { atPseudoTerminal, enter } from '../infra/cli/webhooks.ts'

const down = '\x1b[B'

test.each([
  ['agent', 'rollbacks: 0'],
  ['alert', 'closed tickets: 1, runbooks: 0'],
  ['release', 'production deployments: 0'],
])('webhooks demo %s: nothing happens that the person at the terminal rejects', async (name, effect) => {
  const { code, out } = await atPseudoTerminal(`demo ${name}`, [['Approve it, as jane?', `${down}${enter}`]])
  expect(out).toContain('jane clicks Reject')
  expect(out).toContain(effect)
  expect(out).toContain('What you rejected did not run.')
  expect(code).toBe(0)
})

test('webhooks demo agent: the person at the terminal approves', async () => {
  const { code, out } = await atPseudoTerminal('demo agent', [['Approve it, as jane?', enter]])
  expect(out).toContain('jane clicks Approve')
  expect(out).toContain('Everything happened once.')
  expect(code).toBe(0)
})
