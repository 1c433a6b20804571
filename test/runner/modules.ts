// Loads test files with Node.js itself. Each test file gets its own instances of the modules of this project, but the
// packages in node_modules are loaded once per worker: loading them takes longer than most test files.
import { readFileSync, statSync } from 'node:fs'
import { type ResolveFnOutput, type ResolveHookSync, registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = new URL('../..', import.meta.url).href
const RUNNER = `${ROOT}test/runner/`
const GLOBALS = `${RUNNER}globals`
const GLOBALS_SOURCE =
  'export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = globalThis'

const MOCK = 'mock:'
/** Exports of mocked modules by URL. */
export const mocks = new Map<string, object>()
/** Resolved imports of the current test file. A function may import a module for each call. */
const resolutions = new Map<string, ResolveFnOutput>()
const stripped = new Map<string, { modifiedAt: number; source: string }>()
let files = 0
let resets = 0

/** Loads a file and the modules that it imports, which get the same query. */
export function importAgain(path: string): Promise<unknown> {
  resets = 0
  resolutions.clear()
  return import(`${pathToFileURL(path)}?file=${++files}`)
}

/** Lets the test file import its modules again. */
export function resetModules(): void {
  resets++
  resolutions.clear()
}

/** Replaces a module for the test file that was loaded last. */
export function mockModule(specifier: string, testPath: string, exports: object): void {
  const { href } = new URL(specifier, pathToFileURL(testPath))
  resolutions.clear()
  mocks.set(`${href}?file=${files}`, exports)
}

registerHooks({
  resolve(specifier, context, next) {
    if (!context.parentURL?.includes('?file=')) return next(specifier, context)
    const key = `${specifier} ${context.parentURL}`
    const resolved = resolutions.get(key) ?? resolve(specifier, context, next)
    // Node.js expects this of a result that does not come from the next hook.
    resolutions.set(key, { ...resolved, shortCircuit: true })
    return resolved
  },
  load(url, context, next) {
    if (url.startsWith(GLOBALS)) return { format: 'module', source: GLOBALS_SOURCE, shortCircuit: true }
    if (url.startsWith(MOCK)) return { format: 'module', source: sourceOfMock(url), shortCircuit: true }
    if (!/\.ts\?file=[\d.]+$/.test(url)) return next(url, context)
    return { format: 'module', source: sourceOf(fileURLToPath(url)), shortCircuit: true }
  },
})

const resolve: ResolveHookSync = (specifier, context, next) => {
  const { search } = new URL(context.parentURL ?? '')
  const query = resets > 0 && !search.includes('.') ? `${search}.${resets}` : search
  if (specifier === '@jest/globals') return { url: GLOBALS + query, shortCircuit: true }
  const resolved = next(specifier, context)
  const mocked = resolved.url + query.replace(/\..*/, '')
  if (mocks.has(mocked)) return { url: MOCK + mocked, shortCircuit: true }
  return isPerFile(resolved.url) ? { ...resolved, url: resolved.url + query } : resolved
}

function sourceOfMock(url: string): string {
  const names = Object.keys(mocks.get(url.slice(MOCK.length)) ?? {}).filter((name) => name !== 'default')
  return `import { mocks } from '${import.meta.url}'
export const { ${names.join(', ')} } = mocks.get(import.meta.url.slice(${MOCK.length}))`
}

function isPerFile(url: string): boolean {
  if (!url.includes('/node_modules/')) return url.startsWith(ROOT) && !url.startsWith(RUNNER) && url.endsWith('.ts')
  // It caches secrets and clients.
  return url.includes('/node_modules/@aws-lambda-powertools/') && url.endsWith('.js')
}

function sourceOf(path: string): string {
  const modifiedAt = statSync(path).mtimeMs
  const known = stripped.get(path)
  if (known?.modifiedAt === modifiedAt) return known.source
  const source = stripTypeScriptTypes(readFileSync(path, 'utf8'))
  stripped.set(path, { modifiedAt, source })
  return source
}
