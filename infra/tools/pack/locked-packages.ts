import type { BomPackage } from '../../build/third-party.ts'

/** A lockfile of npm, as far as a bill of materials needs it. */
export interface Lockfile {
  /** By folder: `node_modules/a/node_modules/b`. */
  packages: Record<string, LockedPackage>
}

interface LockedPackage {
  version?: string
  license?: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/**
 * Returns the packages that npm installs for dependencies, with the dependencies of these packages.
 *
 * @param names dependencies of the project itself
 */
export function lockedPackages({ packages }: Lockfile, names: readonly string[]): BomPackage[] {
  const found = new Map<string, BomPackage>()

  function add(name: string, from: string): void {
    const folder = resolve(name, from)
    if (folder === undefined) throw new Error(`package-lock.json has no ${name}. Run npm install.`)
    if (found.has(folder)) return
    const { version, license, dependencies, optionalDependencies } = packages[folder] ?? {}
    if (!version || !license) throw new Error(`package-lock.json has no version or license of ${folder}.`)
    found.set(folder, { name, version, license: license.replace(/^\((.*)\)$/, '$1') })
    // Optional ones are installed if the machine supports them.
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) add(dependency, folder)
  }

  /** Finds a package as Node.js does: next to its dependent, or in a folder above. */
  function resolve(name: string, from: string): string | undefined {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
      const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
      if (candidate in packages) return candidate
      if (folder === '') return undefined
    }
  }

  for (const name of names) add(name, '')
  return [...found.values()].sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1))
}
