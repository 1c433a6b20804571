import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSources, isUpToDate } from '../../build/up-to-date.ts'
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

const build = 'Run npm run build.'

/**
 * Checks that each bundle exists and is built from the current sources.
 *
 * @param root of the sources
 * @param dist of the bundles
 * @param names of the bundles, each with a file that it must have
 */
export function bundles(root: string, dist: string, names: readonly [name: string, file: string][]): Finding[] {
  const missing = names.filter(([name, file]) => !existsSync(join(dist, name, file))).map(([name]) => name)
  if (missing.length > 0) return [wrong('bundles', `missing: ${missing.join(', ')}`, build)]
  if (!isUpToDate(dist, hashSources(root)))
    return [wrong('bundles', 'a source has changed since they were built', build)]
  return [ok('bundles', `${names.length}, up to date`)]
}
