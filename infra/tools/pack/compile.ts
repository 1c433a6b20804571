import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { EXPORTS } from './manifest.ts'
import { reachableFrom } from './reachable.ts'
import { run } from './run.ts'

/** Files that the package runs, or imports by a path that it computes. */
const LOADED = [
  'infra/cli/main',
  'infra/build/main',
  'infra/local/cloud/thread',
  'infra/local/operator/thread',
  'infra/tools/pack/{cdk,node-test}',
  'functions/finisher',
  'functions/dispatch',
  'functions/events',
  'functions/mcp',
  'functions/policy',
  'functions/redeliver',
  'functions/stops',
  'functions/verify',
  'test/templates/*/index',
  '{functions,shared}/**/*.permissions',
]

/** In a folder without the package, `npx webhooks` would run another package. */
const COMMANDS: [RegExp, string][] = [
  [/npx webhooks\b/g, 'npx cloud-automation-webhooks'],
  [/npm run build\b/g, 'npx cloud-automation-webhooks build'],
  [/npm start\b/g, 'npx cloud-automation-webhooks start'],
]

/**
 * Writes the compiled files of the package, with the declarations of its entry points.
 *
 * @returns the packages that they import
 */
export function compile(folder: string): Set<string> {
  run(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '--project',
    'infra/tools/pack/tsconfig.json',
    '--outDir',
    folder,
  ])
  const packages = removeUnused(folder)
  for (const path of globSync('**/*.{js,d.ts}', { cwd: folder })) adapt(join(folder, path))
  return packages
}

/** Deletes the files that no entry point needs. */
function removeUnused(folder: string): Set<string> {
  const entries = (extension: string) => Object.values(EXPORTS).map((path) => join(folder, path + extension))
  const paths = LOADED.map((path) => `${path}.js`)
  const loaded = globSync(paths, { cwd: folder }).map((path) => join(folder, path))
  const scripts = reachableFrom([...entries('.js'), ...loaded], '.js')
  const declarations = reachableFrom([...entries('.d.ts'), join(folder, 'infra/tools/pack/node-test.d.ts')], '.d.ts')
  for (const path of globSync('**/*.{js,d.ts}', { cwd: folder }).map((path) => join(folder, path)))
    if (!scripts.files.has(path) && !declarations.files.has(path)) rmSync(path)
  const builtin = new Set(builtinModules)
  // Generated files of applications import the package itself.
  const others = ['@jest/globals', 'cloud-automation-webhooks']
  return new Set([...scripts.packages].filter((name) => !builtin.has(name) && !others.includes(name)))
}

function adapt(path: string): void {
  let text = readFileSync(path, 'utf8').replaceAll("from '@jest/globals'", "from '#node-test'")
  // tsc rewrites the extensions in scripts only.
  if (path.endsWith('.d.ts')) text = text.replace(/((?:from |import\()['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js')
  else for (const [command, replacement] of COMMANDS) text = text.replace(command, replacement)
  writeFileSync(path, text)
}
