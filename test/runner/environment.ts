// The environment of a test file: the globals of the worker itself, restored at the end of each file.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import timers from 'node:timers/promises'
import { inspect } from 'node:util'
import { ModernFakeTimers } from '@jest/fake-timers'
// It works in the folder in which it was loaded, and the tests of the CLI change the folder.
import 'esbuild'
import { ModuleMocker } from 'jest-mock'
import { cpuSeconds, saveCpuTime } from './cpu-time.ts'
import { resetModules } from './modules.ts'
import { recordExchanges } from './record-exchanges.ts'

// Tests start hundreds of processes from the same sources. Not in jest.config.js, because the workers would save the
// instances of each test file.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../../node_modules/.cache/node')

// Each worker has a temporary folder of its own, which it empties after each test file: code under test leaves files there. It is not
// the file that has one, because packages keep the path that they find first. The reporter deletes it.
const TEMPORARY = mkdtempSync(join(tmpdir(), 'worker-'))
process.env['TMPDIR'] = TEMPORARY

// Ends the worker without freeing its heap. On a busy machine, this takes longer than Jest waits.
process.once('beforeExit', () => process.exit())

/** The path of the test file to which the current work belongs, even after the end of the file. */
const origin = new AsyncLocalStorage<string>()
/** The path of the running test file. */
let running: string | undefined
const children = new Set<ChildProcess>()
channel('child_process').subscribe((message) => {
  children.add((message as { process: ChildProcess }).process)
})

/** Node.js reports errors of work that a file has left behind here, too. They do not fail the file that runs now. */
const { emit } = process
process.emit = new Proxy(emit, {
  apply(target, self, [name, error, ...others]: [string, unknown, ...unknown[]]) {
    const path = origin.getStore()
    const isLate = path !== undefined && path !== running && /^(?:unhandledRejection|uncaughtException)$/.test(name)
    if (!isLate) return Reflect.apply(target, self, [name, error, ...others])
    process.stderr.write(`After the end of ${path}:\n${inspect(error)}\n`)
    return true
  },
})

/** Enough to reach the line of the test from nested helpers. */
const MAX_STACK_FRAMES = 20

type FakeTimersOptions = ConstructorParameters<typeof ModernFakeTimers>[0]

export default class SharedEnvironment {
  readonly global = globalThis
  readonly moduleMocker = new ModuleMocker(globalThis)
  readonly #timers: ModernFakeTimers
  readonly #testPath: string
  readonly #cpuSeconds = cpuSeconds()
  readonly #before = {
    console,
    env: { ...process.env },
    exit: process.exit,
    write: process.stdout.write,
    pause: timers.setTimeout,
  }
  #prepareStackTrace = Error.prepareStackTrace
  #stopRecording = () => {}

  constructor(
    { projectConfig: config }: { projectConfig: FakeTimersOptions['config'] },
    { testPath }: { testPath: string },
  ) {
    this.#testPath = testPath
    running = testPath
    origin.enterWith(testPath)
    this.#timers = new ModernFakeTimers({ config, global: globalThis })
  }

  async setup(): Promise<void> {
    this.#stopRecording = recordExchanges(this.#testPath)
    Object.assign(globalThis, {
      jest: {
        fn: this.moduleMocker.fn.bind(this.moduleMocker),
        spyOn: this.moduleMocker.spyOn.bind(this.moduleMocker),
        resetModules,
        restoreAllMocks: () => this.moduleMocker.restoreAllMocks(),
        setSystemTime: this.#timers.setSystemTime.bind(this.#timers),
        useFakeTimers: this.#timers.useFakeTimers.bind(this.#timers),
        useRealTimers: () => this.#timers.useRealTimers(),
      },
    })
    // Jest sets 100. Tests create many errors, and each frame takes time.
    Error.stackTraceLimit = MAX_STACK_FRAMES
    this.#prepareStackTrace = Error.prepareStackTrace
    // Jest looks for the source of each frame. Node.js keeps the positions when it strips the types.
    Error.prepareStackTrace = (error, sites) => [error, ...sites].join('\n    at ').replaceAll(/\?file=[\d.]+/g, '')
  }

  async teardown(): Promise<void> {
    this.#stopRecording()
    this.#timers.useRealTimers()
    this.moduleMocker.restoreAllMocks()
    running = undefined
    this.#endChildren()
    const { console, env, exit, write, pause } = this.#before
    // Some tests let pauses end at once. In the next files, they would never end.
    Object.assign(timers, { setTimeout: pause })
    syncBuiltinESMExports()
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
    Object.assign(process.env, env)
    Object.assign(process, { exit })
    Object.assign(process.stdout, { write })
    Object.assign(globalThis, { console })
    Object.assign(Error, { prepareStackTrace: this.#prepareStackTrace })
    for (const name of readdirSync(TEMPORARY))
      rmSync(join(TEMPORARY, name), { recursive: true, force: true, maxRetries: 3 })
    saveCpuTime(this.#testPath, this.#cpuSeconds)
  }

  /** Ends what the file has not ended, such as a runtime after an error between its start and the hook that ends it. */
  #endChildren(): void {
    for (const child of children) {
      const isShared = child.spawnfile?.endsWith('esbuild')
      if (!isShared && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      if (!isShared) children.delete(child)
    }
  }

  getVmContext(): null {
    return null
  }
}
