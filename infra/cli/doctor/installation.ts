import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Finding, ok, wrong } from './finding.ts'

/** The Node that runs this, and the package's own version. */
export function versions(root: string): Finding[] {
  const { name, version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const major = (text: string) => Number(text.replace(/^v/, '').split('.')[0])
  const pinned: string = devDependencies.node
  const node =
    major(process.version) >= major(pinned)
      ? ok('node', process.version)
      : wrong('node', `${process.version}, which is older than ${pinned}`, 'Run it as npm run webhooks -- doctor.')
  return [node, ok('package', `${name} ${version}`)]
}

/** What a bundle is made of, below the root. */
const sources = ['functions', 'shared', 'infra/build/main.ts', 'package-lock.json']
const build = 'Run npm run build.'

/**
 * Whether each bundle is there, and newer than all that it is made of.
 *
 * @param root of the sources
 * @param dist of the bundles
 * @param names of the bundles, each with a file that it must have
 */
export function bundles(root: string, dist: string, names: readonly [name: string, file: string][]): Finding[] {
  const made = names.map(([name, file]) => ({ name, at: modified(join(dist, name, file)) }))
  const missing = made.filter(({ at }) => at === undefined).map(({ name }) => name)
  if (missing.length > 0) return [wrong('bundles', `there is none of ${missing.join(', ')}`, build)]
  const oldest = Math.min(...made.map(({ at }) => at ?? 0))
  const [newest] = sources.flatMap((source) => filesOf(join(root, source))).sort((a, b) => b.at - a.at)
  if (newest && newest.at > oldest)
    return [wrong('bundles', `${relative(root, newest.file)} has changed since they were built`, build)]
  return [ok('bundles', `${made.length}, built ${new Date(oldest).toISOString()}`)]
}

function filesOf(path: string): { file: string; at: number }[] {
  const at = modified(path)
  if (at === undefined) return []
  if (!statSync(path).isDirectory()) return [{ file: path, at }]
  return readdirSync(path).flatMap((name) => filesOf(join(path, name)))
}

/** Epoch milliseconds; undefined where there is no such file. */
function modified(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}
