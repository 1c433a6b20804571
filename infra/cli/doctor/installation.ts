import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashSources, isUpToDate } from '../../build/up-to-date.ts'
import { HAS_SOURCES } from '../../project/roots.ts'
import { type Finding, okFinding, wrongFinding } from './finding.ts'

/** Checks the version of Node, and reports the version of the package. */
export function versions(root: string): Finding[] {
  const { name, version, engines, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const major = (text: string) => Number(/\d+/.exec(text)?.[0])
  // A checkout pins the version. The package states the oldest one.
  const pinned: string = peerDependencies?.node ?? engines.node
  const node =
    major(process.version) >= major(pinned)
      ? okFinding('node', process.version)
      : wrongFinding(
          'node',
          `${process.version} is older than ${pinned}`,
          'Run npx webhooks doctor, which uses the pinned version.',
        )
  return [node, okFinding('package', `${name} ${version}`)]
}

const BUILD_ADVICE = 'Run npm run build.'

/**
 * Checks that each bundle exists and is built from the current sources.
 *
 * @param root folder of the sources
 * @param dist folder of the bundles
 * @param names of the bundles, each with a required file
 */
export function bundles(root: string, dist: string, names: readonly [name: string, file: string][]): Finding[] {
  const missing = names.filter(([name, file]) => !existsSync(join(dist, name, file))).map(([name]) => name)
  if (missing.length > 0) return [wrongFinding('bundles', `missing: ${missing.join(', ')}`, BUILD_ADVICE)]
  if (HAS_SOURCES && !isUpToDate(dist, hashSources(root)))
    return [wrongFinding('bundles', 'a source changed after the build', BUILD_ADVICE)]
  return [okFinding('bundles', `${names.length}, up to date`)]
}
