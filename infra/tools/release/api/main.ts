import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../../shared/errors.ts'
import { helpIfAsked } from '../../../project/help.ts'
import { documentApi, FOLDER } from './document.ts'

const ROOT = join(import.meta.dirname, '../../../..')

helpIfAsked(`npm run api: writes the report ${FOLDER}/<entry>.api.md of each entry point of the package, which shows in reviews what
changes. npm run docs:site makes a page with the comments of the sources from the same types.

Options
  --check  write nothing; exit with 1 if a file is outdated
  --help   print this text

Example
  npm run api -- --check`)

try {
  const { check } = parseArgs({ options: { check: { type: 'boolean' } } }).values
  const { reports } = await documentApi()
  if (check) checkFiles(reports)
  else writeFiles(reports)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

function checkFiles(files: Record<string, string>): void {
  const outdated = Object.entries(files).filter(([path, text]) => readIfExists(path) !== text)
  if (outdated.length === 0) {
    console.log('The API report is up to date')
    return
  }
  for (const [path] of outdated) console.error(`${path} is outdated.`)
  console.error('The public API has changed. Run npm run api and add a changeset (npm run changeset).')
  process.exitCode = 1
}

function writeFiles(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    if (readIfExists(path) === text) continue
    writeFileSync(join(ROOT, path), text)
    console.log(`wrote ${path}`)
  }
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8')
  } catch {
    return undefined
  }
}
