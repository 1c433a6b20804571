import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { approveInSandbox } from '../../infra/cli/approve-in-sandbox.ts'
import { engines } from '../../infra/engines/index.ts'
import { engineKeyOf } from '../../infra/engines/place.ts'
import { playRelease } from '../../infra/engines/play-release.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service } from './service.ts'
import { comparable, transcriptOf } from './transcript.ts'

let service: Service
beforeAll(async () => {
  service = await new Service({ timeScale: 10 }).start()
})
afterAll(() => service.end())

<<<<<<< HEAD
test.each(engines.map((engine) => [engine.title, engine] as const))(
  '%s plays a release as documented',
  async (_title, engine) => {
    const lines: string[] = []
    const played = await playRelease(engine, {
      url: service.url,
      key: () => engineKeyOf({ callerToken: demo.callerToken }),
      lambda: undefined,
      signal: new AbortController().signal,
      print: (line) => lines.push(line),
      onAccepted: (taskId, say, ended) =>
        void approveInSandbox({ url: service.url, autoApproveReason: '--approve was passed' })(
          { taskId, statusUrl: '' },
          say,
          ended,
        ).catch(() => {}),
    })
    expect([played.passed, comparable(lines)]).toEqual([true, comparable(transcriptOf(engine.name) ?? lines)])
  },
)
=======
test.each(engines.map((engine) => [engine.title, engine] as const))('%s plays a release', async (_title, engine) => {
  const lines: string[] = []
  const played = await playRelease(engine, {
    url: service.url,
    key: () => engineKeyOf({ callerToken: demo.callerToken }),
    lambda: () => readRuntimeFile(service.state)?.aws,
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    onAccepted: (taskId, say, ended) =>
      void approveInSandbox({ url: service.url, autoApproveReason: 'it is a test' })(
        { taskId, statusUrl: '' },
        say,
        ended,
      ).catch(() => {}),
  })
  console.log(lines.join('\n'))
  expect(played.passed).toBe(true)
})
>>>>>>> c596882 (feat(sandbox): play a CI pipeline, Flagger and Step Functions)
