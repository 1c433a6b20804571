import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../shared/errors.ts'
import { helpIfAsked } from '../../project/help.ts'
import { installPackages } from '../../project/install.mjs'
import { addVersion, type Change, hasVersion, notesOf } from './changelog.ts'
import { runChangesets } from './run-changesets.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** All packages have the same version. */
const VERSIONED = ['package.json', 'package-lock.json', 'infra/tools/create/package.json']

helpIfAsked(`npm run release:version: prepares a release. Raises the version of the packages by the changesets, moves their texts and
what is unreleased to a section of CHANGELOG.md, and deletes the changesets. If the current version has never been released, it stays.

Options
  --notes  print the section of the current version in CHANGELOG.md, and change nothing
  --help   print this text`)

try {
  const { notes } = parseArgs({ options: { notes: { type: 'boolean' } } }).values
  if (notes) console.log(notesOf(read('CHANGELOG.md'), currentVersion()))
  else await prepareRelease()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

async function prepareRelease(): Promise<void> {
  await installPackages(import.meta.dirname)
  const changelog = read('CHANGELOG.md')
  const current = currentVersion()
  const { version, changes } = readPlan()
  const next = hasVersion(changelog, current) ? version : current
  if (next === undefined) throw new Error(`There are no changes after ${current}. Add one with npm run changeset.`)
  const today = new Date().toISOString().slice(0, 10)
  write('CHANGELOG.md', addVersion(changelog, next, today, changes))
  for (const path of VERSIONED) setVersion(path, next)
  for (const path of globSync('.changeset/*.md', { cwd: ROOT })) rmSync(join(ROOT, path))
  console.log(`Prepared ${next}. Commit the changes, and push the tag v${next} to release it.`)
}

interface Plan {
  changesets: { releases: { type: Change['type'] }[]; summary: string }[]
  releases: { newVersion: string }[]
}

/** Returns the next version and the changes of all changesets. */
function readPlan(): { version: string | undefined; changes: Change[] } {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-release-'))
  try {
    const file = join(folder, 'plan.json')
    if (runChangesets(['status', '--output', file]) !== 0) throw new Error('Changesets failed, see above.')
    const { changesets, releases }: Plan = JSON.parse(readFileSync(file, 'utf8'))
    const changes = changesets.flatMap(({ releases, summary }) => releases.map(({ type }) => ({ type, text: summary })))
    return { version: releases[0]?.newVersion, changes }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function setVersion(path: string, version: string): void {
  const json = JSON.parse(read(path))
  json.version = version
  // A lockfile repeats it.
  if (json.packages) json.packages[''].version = version
  write(path, `${JSON.stringify(json, null, 2)}\n`)
}

function currentVersion(): string {
  return JSON.parse(read('package.json')).version
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

function write(path: string, text: string): void {
  writeFileSync(join(ROOT, path), text)
}
