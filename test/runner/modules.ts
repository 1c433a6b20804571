// Loads test files with Node.js itself. Each test file gets its own instances of the modules of this project, but the
// packages in node_modules are loaded once per worker: loading them takes longer than most test files.
import { readFileSync, statSync } from 'node:fs'
import { type ResolveFnOutput, registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { importSlowly, latencyMs } from './latency.ts'

const ROOT = new URL('../..', import.meta.url).href
const RUNNER = `${ROOT}test/runner/`
const GLOBALS = `${RUNNER}globals`
const GLOBALS_SOURCE =
  'export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = globalThis'

/** Resolved imports by specifier and importing module. */
const resolutions = new Map<string, ResolveFnOutput>()
const stripped = new Map<string, { modifiedAt: number; source: string }>()
/** Whether the imports of running functions take some time, as on Lambda. */
const isSlow = latencyMs() > 0
if (isSlow) Object.assign(globalThis, { importSlowly })
let files = 0
let resets = 0

/** Loads a file and the modules that it imports, which get the same query. */
export function importAgain(path: string): Promise<unknown> {
  resets = 0
  return import(`${pathToFileURL(path)}?file=${++files}`)
}

/** Lets the test file import its modules again. */
export function resetModules(): void {
  resets++
}

registerHooks({
  resolve(specifier, context, next) {
    const [parent, parentQuery] = context.parentURL?.split('?file=') ?? []
    if (parentQuery === undefined) return next(specifier, context)
    const query = `?file=${resets > 0 && !parentQuery.includes('.') ? `${parentQuery}.${resets}` : parentQuery}`
    if (specifier === '@jest/globals') return { url: GLOBALS + query, shortCircuit: true }
    const key = `${specifier} ${parent}`
    const resolved = resolutions.get(key) ?? next(specifier, context)
    resolutions.set(key, resolved)
    return { ...resolved, url: isPerFile(resolved.url) ? resolved.url + query : resolved.url, shortCircuit: true }
  },
  load(url, context, next) {
    if (url.startsWith(GLOBALS)) return { format: 'module', source: GLOBALS_SOURCE, shortCircuit: true }
    if (!/\.ts\?file=[\d.]+$/.test(url)) return next(url, context)
    return { format: 'module', source: sourceOf(fileURLToPath(url)), shortCircuit: true }
  },
})

function isPerFile(url: string): boolean {
  if (!url.includes('/node_modules/')) return url.startsWith(ROOT) && !url.startsWith(RUNNER) && url.endsWith('.ts')
  // It caches secrets and clients.
  return url.includes('/node_modules/@aws-lambda-powertools/') && url.endsWith('.js')
}

function sourceOf(path: string): string {
  const modifiedAt = statSync(path).mtimeMs
  const known = stripped.get(path)
  if (known?.modifiedAt === modifiedAt) return known.source
  const text = stripTypeScriptTypes(readFileSync(path, 'utf8'))
  const source =
    isSlow && !path.includes('/test/') ? text.replaceAll(/\bimport\('\.[^']+'\)/g, 'importSlowly($&)') : text
  stripped.set(path, { modifiedAt, source })
  return source
}
