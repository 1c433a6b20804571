import { afterAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Call, requestLine, type Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import { parseEvent } from '../../shared/orchestrators/event/event.ts'
import { loadOrchestratorType } from '../../shared/orchestrators/index.ts'
import type { Answer, AnsweredTask, Orchestrator, OrchestratorType } from '../../shared/orchestrators/orchestrator.ts'
import { errored, type Outcome, passed } from '../../shared/outcome.ts'
import { clearSecrets, registerSecret } from '../../shared/redact.ts'
import { startOnce } from '../functions/helpers.ts'
import { testEach } from './test-each.ts'

/** An engine, and how a test plays it. */
export interface OrchestratorSubject<S extends Served = Served> {
  /** The type, if it is not in `shared/orchestrators/index.ts`. */
  type?: OrchestratorType
  /** Describes the tests. Defaults to the type. */
  name?: string
  /** Plays the engine. Omit it if nothing is sent. */
  start?(): Promise<Played<S>>
  /** The body of an interactive call, with every field that the engine needs. */
  body: Record<string, unknown>
  /** The headers of the call that the engine needs, as it spells them. */
  headers?: Record<string, string>
  /** The address for the answer, if the engine signs its calls. */
  replyTo?: string
  /** The paths of these fields, and these headers. Empty if all are optional. */
  required: string[]
  /** The kinds of answers that the engine receives. */
  sends: Answer['kind'][]
  /** By verdict, the state of the engine after the answer, with other settings: `['warning', 'approved', { onWarning: 'approve' }]`. */
  verdicts?: [verdict: string, shown: unknown, settings?: object][]
  /** Settings that are not valid, next to those of the engine, and a part of what is wrong. */
  invalidSettings?: [settings: object, problem: string][]
  /** The requests of the connection test: `GET /me`. Empty if it sends none. */
  check?: string[]
  /** Connection tests that fail: settings, a part of the failure, and a change of the engine. */
  failedChecks?: [settings: object, failure: object, change?: (server: S) => unknown][]
}

interface Played<S extends Served = Served> {
  server: S
  /** The settings in the secret of the orchestrator. */
  settings: Record<string, unknown>
  /** Credentials, which must not appear in any error. */
  secrets: string[]
  /** Deletes the answers that the engine has received. */
  reset?(): void
  /** Returns the kind of the answer that a request delivers. Undefined for other requests. */
  kindOf(call: Call): Answer['kind'] | undefined
  /** Returns what identifies an answer: the engine treats two requests with the same identity as one. */
  identityOf(call: Call): string
  /** Returns what the engine shows of the newest answer. */
  shown?(): unknown
}

type ParsedCall = ReturnType<Orchestrator['parse']>

interface OrchestratorTests<S> {
  /** The engine of the current test. */
  server: S
  /** Connects to the engine with other settings. */
  connect(settings?: object): Orchestrator
  /** Reads a call with these fields, and with the headers that the engine sends. */
  parse(fields: Record<string, unknown>, headers?: Record<string, string>, settings?: object): ParsedCall
  /** The task that the call starts. */
  task(): AnsweredTask
  /** Sends an answer of the task. */
  send(answer: Answer, uncertainAttempts?: number, settings?: object): ReturnType<Orchestrator['send']>
}

const OUTCOMES: Record<string, Outcome> = {
  pass: passed(
    'Deployed 1.2',
    { id: '42', url: 'https://ci.example.com/42' },
    { 'ci 42': 'https://ci.example.com/42' },
  ),
  warning: { ...passed('Deployed 1.2'), result: 'warning' },
  fail: { ...passed('2 tests failed'), result: 'fail' },
  errored: errored(new Failure('platform', 'The platform answered 500')),
  aborted: { ...passed('Canceled by ci'), status: 'aborted', result: 'fail' },
}
const PLATFORM_PASSWORD = 'a-password-of-the-platform'
const TOO_LARGE = passed('x'.repeat(100_000), { id: '42', log: 'y'.repeat(300_000) })

/**
 * Registers the tests that every type of orchestrator must pass. Returns the engine and functions for other tests of the file.
 *
 * @param type its name in `shared/orchestrators/index.ts`
 * @example orchestratorConformance('acme', { type: acmeType, start: startAcme, body: { id: 'run-42' }, required: ['id'], sends: ['finished'] })
 */
export function orchestratorConformance<S extends Served>(
  type: string,
  subject: OrchestratorSubject<S>,
): OrchestratorTests<S> {
  const { name = type, start, body, headers = {}, replyTo: signedReplyTo, required, sends } = subject
  const { verdicts = [], invalidSettings = [], check, failedChecks = [] } = subject
  let played: Played<S> | undefined
  let kind: OrchestratorType
  const server = startOnce(async (): Promise<S> => {
    kind = subject.type ?? (await loadOrchestratorType(type))
    played = await start?.()
    for (const value of played?.secrets ?? []) registerSecret(value)
    return played?.server ?? ({ close: async () => undefined } as unknown as S)
  })
  afterAll(clearSecrets)
  beforeEach(() => {
    played?.reset?.()
    played?.server.recover()
    played?.server.calls.splice(0)
  })

  const settingsWith = (settings: object) => ({ type, ...played?.settings, ...settings })
  const connect = (settings: object = {}) => kind.connect(kind.secret?.parse(settingsWith(settings)) ?? {})
  const parse = (fields: Record<string, unknown>, sent = headers, settings: object = {}) =>
    connect(settings).parse({
      ...{ event: parseEvent(fields), body: fields },
      ...{ headers: lowerCase(sent), replyTo: signedReplyTo },
    })
  const task = (): AnsweredTask => {
    const { replyTo, isDetailed: _, hasObservers: __, maxDeadline: ___, maxProgress: ____, ...event } = parse(body)
    return {
      ...{ id: 'a'.repeat(40), caller: 'demo', category: 'load-testing', action: 'start-test', labels: true },
      ...{ event, replyTo, apiUrl: 'https://webhooks.example.com/v1/load-testing' },
    }
  }
  const send = (answer: Answer, uncertainAttempts = 0, settings: object = {}) =>
    connect(settings).send(task(), answer, uncertainAttempts)

  describe(`${name}: orchestrator conformance`, () => {
    const parseWithout = (path: string) =>
      Object.hasOwn(headers, path) ? parse(body, without(headers, [path])) : parse(without(body, path.split('.')))
    /** The distinct answers that the engine has received. */
    const received = (): string[] => {
      const answers = (played?.server.calls ?? []).filter((call) => played?.kindOf(call) !== undefined)
      const byIdentity = new Map(answers.map((call) => [played?.identityOf(call), String(played?.kindOf(call))]))
      return [...byIdentity.values()]
    }
    const finished = (outcome = OUTCOMES['pass'] as Outcome): Answer => ({ kind: 'finished', outcome })
    const isAnswer = (call: Call) => played?.kindOf(call) !== undefined

    test('a complete call can be answered, and is read the same each time', () => {
      const first = parse(body)
      expect(first.id).toEqual(expect.any(String))
      expect(JSON.stringify(parse(structuredClone(body)))).toBe(JSON.stringify(first))
    })

    test('a call without any of the fields is refused with all of them in one failure', () => {
      const failure = failureOf(() => parse({}, {}))
      expect([failure.kind, failure.errors?.map(({ path }) => path)]).toEqual(['invalid', required])
      for (const path of required) expect(failure.message).toContain(path)
    })

    test.each(required)('a call without %s is refused', (path) => {
      expect(failureOf(() => parseWithout(path)).errors).toMatchObject([{ path }])
    })

    const kinds: Answer[] = [{ kind: 'started' }, { kind: 'progress', message: 'stage 2 of 4' }, finished()]
    test.each(kinds)('$kind is sent once if the engine expects it', async (answer) => {
      await send(answer)
      expect(received()).toEqual(sends.includes(answer.kind) ? [answer.kind] : [])
    })

    test.each(Object.entries(OUTCOMES))('the outcome %s is sent', async (_name, outcome) => {
      await send(finished(outcome))
      expect(received()).toEqual(sends.includes('finished') ? ['finished'] : [])
    })

    test('an outcome that is too large is sent nevertheless', async () => {
      await send(finished(TOO_LARGE))
      expect(received()).toEqual(sends.includes('finished') ? ['finished'] : [])
    })

    if (sends.length === 0) {
      test('the connection test passes, because there is no connection', async () => {
        await expect(connect().check()).resolves.toBeUndefined()
      })
      return
    }

    test('the connection test sends no answer', async () => {
      await connect().check()
      expect(received()).toEqual([])
      if (check) expect(played?.server.calls.map(requestLine)).toEqual(check)
    })

    if (check?.length !== 0) {
      test('the connection test fails if the engine is down', async () => {
        played?.server.down()
        await expect(connect().check()).rejects.toMatchObject({ kind: 'platform' })
      })
    }

    testEach(
      failedChecks,
      'the connection test fails with the settings %j (%#)',
      async (settings, failure, change = () => {}) => {
        await change(server)
        await expect(connect(settings).check()).rejects.toMatchObject(failure)
      },
    )

    testEach(invalidSettings, 'the settings %j are not valid', (settings, problem) => {
      const { error } = kind.secret?.safeParse(settingsWith(settings)) ?? {}
      const problems = error?.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' '))
      expect(problems).toEqual([expect.stringContaining(problem)])
    })

    testEach(verdicts, 'the verdict %s is shown as %j, with the settings %j', async (verdict, shown, settings = {}) => {
      expect(await send(finished(OUTCOMES[verdict]), 0, settings)).toBe('sent')
      expect(played?.shown?.()).toEqual(shown)
    })

    test('an answer whose response was lost is delivered once', async () => {
      played?.server.loseNext(isAnswer)
      const first: unknown = await send(finished()).catch((error: unknown) => error)
      // An orchestrator that sees at once that the engine has the answer does not send it again.
      if (first !== 'sent') {
        expect(first).toBeInstanceOf(Failure)
        expect(await send(finished(), 1)).toBe('sent')
      }
      expect(received()).toEqual(['finished'])
    })

    test.each([429, 500, 503])('an answer that the engine refuses with %d is sent again', async (status) => {
      played?.server.failNext(status, { message: 'not now' }, { on: isAnswer })
      await expect(send(finished())).rejects.toBeInstanceOf(Failure)
      played?.server.calls.splice(0)
      await send(finished(), 1)
      expect(received()).toEqual(['finished'])
    })

    test('an engine that is down or redirects has not received the answer', async () => {
      played?.server.failNext(302, '', { on: isAnswer, headers: { location: 'https://example.com/login' } })
      await expect(send(finished())).rejects.toBeInstanceOf(Failure)
    })

    // The task masks its outcome, too, and applications have no function to mask texts.
    if (subject.type === undefined) {
      test('no answer contains a credential of the platform', async () => {
        registerSecret(PLATFORM_PASSWORD)
        await send(finished(passed(`The platform answered ${PLATFORM_PASSWORD}`, { reply: PLATFORM_PASSWORD })))
        expect(received()).toEqual(sends.includes('finished') ? ['finished'] : [])
        for (const { text } of played?.server.calls ?? []) expect(text).not.toContain(PLATFORM_PASSWORD)
      })
    }

    test('no error contains a credential', async () => {
      for (const status of [400, 401, 403, 404, 500]) {
        played?.server.failNext(status, { message: `no: ${played.secrets.join(' ')}` }, { on: isAnswer })
        const error = await send(finished()).then(
          () => '',
          (thrown: Error) => `${thrown.message} ${JSON.stringify(thrown)}`,
        )
        for (const secret of played?.secrets ?? []) expect(error).not.toContain(secret)
      }
    })
  })
  return { server, connect, parse, task, send }
}

function failureOf(run: () => unknown): Failure {
  try {
    run()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('The call was not refused.')
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function without<T>(fields: Record<string, T>, [first = '', ...rest]: string[]): Record<string, T> {
  const { [first]: value, ...others } = fields
  return rest.length === 0 ? others : { ...others, [first]: without(value as Record<string, T>, rest) as T }
}
