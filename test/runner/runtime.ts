// Lets Jest load test files with Node.js instead of in a virtual machine.
import { createRequire } from 'node:module'
import type * as JestRuntime from 'jest-runtime'
import { importAgain } from './modules.ts'

const require = createRequire(import.meta.url)
const { default: Runtime }: typeof JestRuntime.default = require('jest-runtime')

export default class SharedRuntime extends Runtime {
  /** Loads the test framework, which keeps its state in globals. */
  override requireInternalModule<T>(path: string): T {
    Reflect.deleteProperty(globalThis, Symbol.for('EVENT_HANDLERS'))
    delete require.cache[path]
    return require(path)
  }

  override unstable_shouldLoadAsEsm(): boolean {
    return true
  }

  override unstable_importModule(path: string): Promise<unknown> {
    return importAgain(path)
  }
}
