import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { approveInSandbox } from '../../infra/cli/approve-in-sandbox.ts'
import { localLambda } from '../../infra/local/runtime-file.ts'
import type { Engine } from '../../infra/sandbox/engines/engine.ts'
import { engines } from '../../infra/sandbox/engines/index.ts'
import { engineKeyOf } from '../../infra/sandbox/engines/place.ts'
import { playRelease } from '../../infra/sandbox/engines/play-release.ts'
import { releaseSteps } from '../../infra/sandbox/engines/release.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service } from './service.ts'
import { comparable, shownIn, transcriptOf } from './transcript.ts'

/** A load test of a second. On a busy machine, its responses take long. */
const load = { parameters: { rate: 20, duration: 'PT1S' }, thresholds: [{ metric: 'errorRate', op: '<', value: 0.01 }] }
const steps = releaseSteps.map((step) => (step.category === 'load-testing' ? { ...step, input: load } : step))

const service = await new Service({ timeScale: 10 }).start()
const transcripts = new Map(await waitForAll(engines.map(async (engine) => [engine.name, await play(engine)] as const)))
afterAll(() => service.end())

async function play(engine: Engine): Promise<string[]> {
  const lines: string[] = []
  const approve = approveInSandbox({ url: service.url, autoApproveReason: '--approve was passed' })
  const { passed } = await playRelease(engine, {
    steps,
    timeScale: 4,
    url: service.url,
    key: () => engineKeyOf({ callerToken: demo.callerToken }),
    lambda: () => localLambda(service.state),
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    onAccepted: (taskId, say, ended) =>
      void approve({ taskId, statusUrl: '' }, say, ended).catch((error: unknown) => {
        if (!ended.aborted) throw error
      }),
  })
  return [...lines, `release ${passed ? 'passed' : 'did not pass'}`]
}

test.each(engines)('$title runs a release as its documentation shows', ({ name }) => {
  const transcript = transcripts.get(name) ?? []
  expect(transcript.at(-1)).toBe('release passed')
  const documented = transcriptOf(name)
  expect(comparable(shownIn(documented, transcript))).toEqual(comparable(documented.filter((line) => line !== '...')))
})

test.each(engines)('$title is in the list of docs/console.md', ({ name }) => {
  expect(readFileSync(join(import.meta.dirname, '../../docs/console.md'), 'utf8')).toContain(`| \`${name}\` |`)
})
