// Writes what the documents say of the code: `npm run docs`; with --check it only says what is not fresh.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { helpIfAsked } from '../help.ts'
import { openApi } from '../openapi/document.ts'
import { categoryTable } from './categories.ts'
import { costTables } from './costs.ts'
import { reference } from './reference.ts'
import { wordTable } from './words.ts'

const root = join(import.meta.dirname, '../..')
helpIfAsked(`npm run docs: writes docs/reference.md, docs/openapi.json, the table of categories in README.md, the costs in docs/deploy.md and the words in docs/glossary.md from the code.

Options
  --check  write nothing, and exit with 1 where one of them is not fresh
  --help

Example
  npm run docs -- --check`)

/** By path, what each file must hold. */
async function made(): Promise<Record<string, string>> {
  return {
    'docs/reference.md': await reference(),
    'docs/openapi.json': `${JSON.stringify(openApi('https://webhooks.example.com'), null, 2)}\n`,
    'README.md': await between('README.md', 'categories', categoryTable()),
    'docs/glossary.md': await between('docs/glossary.md', 'words', wordTable()),
    'docs/deploy.md': await between('docs/deploy.md', 'costs', costTables()),
  }
}

/** The text of a file with another part between two comments. */
async function between(path: string, name: string, part: string): Promise<string> {
  const text = await readFile(join(root, path), 'utf8')
  const [begin, end] = [`<!-- ${name}: made by npm run docs -->`, `<!-- /${name} -->`]
  const [at, until] = [text.indexOf(begin), text.indexOf(end)]
  if (at < 0 || until < at) throw new Error(`${path} has no place for ${name}: put ${begin} and ${end} into it.`)
  return `${text.slice(0, at)}${begin}\n\n${part}\n${text.slice(until)}`
}

await main(process.argv.includes('--check'))

async function main(onlyCheck: boolean): Promise<void> {
  for (const [path, text] of Object.entries(await made())) {
    const before = await readFile(join(root, path), 'utf8').catch(() => undefined)
    if (before === text) continue
    if (onlyCheck) {
      console.error(`${path} is not what the code says: run npm run docs.`)
      process.exitCode = 1
    } else {
      await writeFile(join(root, path), text)
      console.log(`wrote ${path}`)
    }
  }
}
