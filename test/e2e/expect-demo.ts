import { expect } from '@jest/globals'
import { webhooks } from '../infra/cli/webhooks.ts'

/** A demonstration does not use them. */
const settingsOfUser = { WEBHOOKS_POLICY: '/missing/policy.yaml', WEBHOOKS_EVENTS: '/missing/events.yaml' }

/** Runs a demonstration, and checks its effects and what it explains. Returns the lines that it prints. */
export async function expectDemo(name: string, effects: object, texts: readonly string[]): Promise<string[]> {
  const { code, out, err } = await webhooks(`demo ${name} --json`, { env: settingsOfUser })
  expect({ code, effects: JSON.parse(out) }).toEqual({ code: 0, effects })
  for (const text of [...texts, 'Everything happened once.', 'runtime  ended, and the console with it'])
    expect(err).toContain(text)
  return err.split('\n')
}
