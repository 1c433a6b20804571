import { expect, test } from '@jest/globals'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Answer } from '../../../shared/orchestrators/orchestrator.ts'
import { testEach } from '../test-each.ts'
import type { OrchestratorFixture } from './fixture.ts'
import { finished, OUTCOMES, TOO_LARGE } from './outcomes.ts'

/** Registers the tests of the answers that the engine receives. */
export function answerTests<S extends Served>(fixture: OrchestratorFixture<S>): void {
  const { sends, verdicts = [] } = fixture.subject
  const ifSent = (kind: Answer['kind']) => (sends.includes(kind) ? [kind] : [])

  const kinds: Answer[] = [{ kind: 'started' }, { kind: 'progress', message: 'stage 2 of 4' }, finished()]
  testEach(
    kinds,
    ({ kind }) => `${kind} is sent once if the engine expects it`,
    async (answer) => {
      await fixture.send(answer)
      expect(fixture.received()).toEqual(ifSent(answer.kind))
    },
  )

  test.each(Object.entries(OUTCOMES))('the outcome %s is sent', async (_name, outcome) => {
    await fixture.send(finished(outcome))
    expect(fixture.received()).toEqual(ifSent('finished'))
  })

  test('an outcome that is too large is sent anyway', async () => {
    await fixture.send(finished(TOO_LARGE))
    expect(fixture.received()).toEqual(ifSent('finished'))
  })

  testEach(
    verdicts,
    ({ verdict, shown, settings }) => {
      const withSettings = settings ? `, with the settings ${JSON.stringify(settings)}` : ''
      return `the verdict ${verdict} is shown as ${JSON.stringify(shown)}${withSettings}`
    },
    async ({ verdict, shown, settings }) => {
      expect(await fixture.send(finished(OUTCOMES[verdict]), 0, settings)).toBe('sent')
      expect(fixture.engine?.shown?.()).toEqual(shown)
    },
  )
}

/** Registers the tests of answers that do not arrive, or whose response does not. */
export function repeatedAnswerTests<S extends Served>(fixture: OrchestratorFixture<S>): void {
  const { server, isAnswer } = fixture

  test('an answer whose response was lost is delivered once', async () => {
    server.loseNext(isAnswer)
    const first: unknown = await fixture.send(finished()).catch((error: unknown) => error)
    // An orchestrator that sees at once that the engine has the answer does not send it again.
    if (first !== 'sent') {
      expect(first).toBeInstanceOf(Failure)
      expect(await fixture.send(finished(), 1)).toBe('sent')
    }
    expect(fixture.received()).toEqual(['finished'])
  })

  test.each([429, 500, 503])('an answer that the engine refuses with %d is sent again', async (status) => {
    server.failNext(status, { message: 'not now' }, { on: isAnswer })
    await expect(fixture.send(finished())).rejects.toBeInstanceOf(Failure)
    server.calls.splice(0)
    await fixture.send(finished(), 1)
    expect(fixture.received()).toEqual(['finished'])
  })

  test('an engine that is down or redirects has not received the answer', async () => {
    server.failNext(302, '', { on: isAnswer, headers: { location: 'https://example.com/login' } })
    await expect(fixture.send(finished())).rejects.toBeInstanceOf(Failure)
  })
}
