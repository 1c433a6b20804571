import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Everything that can change a bundle of a checkout or an application. */
const SOURCES = ['functions/**/*.ts', 'shared/**/*.ts', 'infra/build/*.ts', 'package.json', 'package-lock.json']
const RECORD = '.build.json'

interface BuildRecord {
  hash: string
  /** Paths below the output folder. */
  files: string[]
}

/** Returns a hash of the contents of all sources below a folder, so that a checkout or a touched file causes no build. */
export function hashSources(root: string): string {
  const hash = createHash('sha256').update(process.version)
  for (const file of globSync(SOURCES, { cwd: root }).sort()) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** Returns whether the output folder has all files of a build from these sources. */
export function isUpToDate(outdir: string, hash: string): boolean {
  const path = join(outdir, RECORD)
  if (!existsSync(path)) return false
  const record: BuildRecord = JSON.parse(readFileSync(path, 'utf8'))
  return record.hash === hash && record.files.every((file) => existsSync(join(outdir, file)))
}

/** Records which sources the files of the output folder were built from. */
export function recordBuild(outdir: string, record: BuildRecord): void {
  writeFileSync(join(outdir, RECORD), JSON.stringify(record))
}
