import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from '@jest/globals'
import { categories } from '../functions/index.ts'
import { type Category, currentActions } from '../shared/providers/category.ts'

const root = join(import.meta.dirname, '..')
/** docs/application.md names files of an application. */
const template = join(root, 'infra/tools/create/template')
const pages = globSync(['*.md', '{docs,examples,functions,.github,infra}/**/*.md'], {
  cwd: root,
  exclude: ['**/node_modules'],
})
const read = (page: string) => readFileSync(join(root, page), 'utf8').replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '')

/** Returns the anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of read(page).matchAll(/^#{1,6} (.*)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = text.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

it.each(pages)('every relative link in %s leads to a file and a heading', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  const broken = links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(root, target))) return true
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor)
  })
  expect(broken).toEqual([])
})

const all: readonly Category[] = categories
const readmes = all.map(({ name }) => read(`functions/${name}/README.md`))

it('the READMEs list every field of every input, or link its table', () => {
  const missing = all.flatMap((category, at) =>
    currentActions(category).flatMap(([action, { input }]) =>
      Object.keys(input.shape)
        .filter((field) => !readmes[at]?.includes(`| \`${field}\` |`))
        .filter(() => !readmes[at]?.includes(`#input-of-${category.name}${action})`))
        .map((field) => `${category.name}/${action}: ${field}`),
    ),
  )
  expect(missing).toEqual([])
})

it('the READMEs link the connection fields of every platform', () => {
  const names = new Set(all.flatMap(({ providers }) => Object.keys(providers)))
  // docs/http.md describes the generic providers.
  const unlinked = [...names].filter(
    (name) =>
      !/^http(-|$)/.test(name) &&
      !readmes.some((text) => new RegExp(`#connection-of-[a-z-]+-to-${name}\\)`).test(text)),
  )
  expect(unlinked).toEqual([])
})

it.each(pages)('every source file that %s names exists', (page) => {
  const paths = [...read(page).matchAll(/`((?:shared|infra|test|functions)\/[\w./-]+)`/g)].map(([, path = '']) => path)
  // Tutorials name the files that they create.
  const exists = (path: string) =>
    [root, join(root, dirname(page)), template].some((folder) => existsSync(join(folder, path)))
  const missing = paths.filter(
    (path) => !/acme|access-requests|^functions\/orchestrators\.ts/.test(path) && !exists(path),
  )
  expect(missing).toEqual([])
})

const scripts = [root, template].flatMap((folder) =>
  Object.keys(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts),
)

it.each(pages)('every npm script and every test file that %s runs exists', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const named = [...text.matchAll(/`npm run ([\w:]+)/g)].map(([, script = '']) => script)
  expect(named.filter((script) => !scripts.includes(script))).toEqual([])
  const paths = [...text.matchAll(/`[^`\n]*npm test -- ([^`\n]*)`/g)].flatMap(([, list = '']) => list.split(' '))
  expect(paths.filter((path) => path.startsWith('test/') && globSync(`${path}*`, { cwd: root }).length === 0)).toEqual(
    [],
  )
})

const sources = globSync('{functions,shared,infra}/**/*.{ts,mjs}', { cwd: root, exclude: ['**/node_modules'] })
  // The word list contains names that the project may not have.
  .filter((file) => !file.startsWith('infra/tools/words/'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

// Only documents for contributors: others also name fields of platforms.
const contributorPages = pages.filter((page) => /^(CONTRIBUTING|AGENTS)\.md$|^docs\/adr\//.test(page))

it.each(contributorPages)('every name in camel case that %s uses exists in the sources', (page) => {
  const names = [...read(page).matchAll(/`(?:\w+\.)?([a-z]+(?:[A-Z][a-z]+)+)`/g)].map(([, name = '']) => name)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources))).toEqual([])
})
