import { afterAll, describe, test } from '@jest/globals'
import type { Served } from '../../infra/platforms/loopback-server.ts'
import type { Program } from '../real/program.ts'

const TEST_TIMEOUT_MS = 180_000

/** Tests a recipe with a fake server, and closes the server at the end. */
export async function tryFake({ name, checks }: Pick<Program, 'name' | 'checks'>, server: Served): Promise<void> {
  const { tests, close } = await checks({ url: server.url, words: {} })
  afterAll(async () => {
    await close?.()
    await server.close()
  })
  describe(name, () => {
    for (const [what, run] of Object.entries(tests)) test(what, run, TEST_TIMEOUT_MS)
  })
}
