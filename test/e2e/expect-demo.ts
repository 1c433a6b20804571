import { expect } from '@jest/globals'
import { webhooks } from '../infra/cli/webhooks.ts'

/** Runs a demonstration, and checks its effects and what it explains. Returns the lines that it prints. */
export async function expectDemo(name: string, effects: object, texts: readonly string[]): Promise<string[]> {
  const { code, out, err } = await webhooks(`demo ${name} --json`)
  expect({ code, effects: JSON.parse(out) }).toEqual({ code: 0, effects })
  for (const text of [...texts, 'Everything happened once.', 'runtime  ended, and the console with it'])
    expect(err).toContain(text)
  return err.split('\n')
}
