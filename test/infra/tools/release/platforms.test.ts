import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { categories } from '../../../../functions/index.ts'
import { fieldsOf } from '../../../../infra/project/schema-fields.ts'
import { githubSlug } from '../../../../infra/tools/release/site/links.ts'
import { platformPages } from '../../../../infra/tools/release/site/platforms.ts'
import { actionsOf, type Category } from '../../../../shared/providers/category.ts'

const root = join(import.meta.dirname, '../../../..')
const pages = await platformPages()
const textOf = (path: string) => pages[path] ?? readFileSync(join(root, path), 'utf8')
const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gm, '')

describe('the pages of the platforms', () => {
  const all: readonly Category[] = categories
  const providers = all.flatMap((category) =>
    Object.entries(category.providers)
      .filter(([name]) => !/^http(?:-|$)/.test(name))
      .map(([name, load]) => ({ name, category, load })),
  )

  it.each(providers)('$name has the actions, fields and states of $category.name', async ({ name, category, load }) => {
    const provider = await load()
    const page = pages[`docs/platforms/${name}.md`] ?? ''
    const states = 'states' in provider ? Object.keys(provider.states as object) : []
    // Both are refused: changes are only for approvals, and only changes are closed after their approval.
    const refused = name === 'servicenow-change' ? 'push-update' : 'close-approval'
    const actions = actionsOf(category, provider).filter((action) => action !== refused)
    const listed = [...page.matchAll(/^\| `([\w-]+)\/([\w-]+)` \|/gm)].filter(([, owner]) => owner === category.name)
    expect(listed.map(([, , action]) => action)).toEqual(actions)
    const expected = [
      ...fieldsOf(provider.connection).map((field) => `| \`${field.name}\` |`),
      ...states.map((state) => `\`${state}\``),
      `\`connections/${category.name}/<name>\``,
    ]
    expect(expected.filter((part) => !page.includes(part))).toEqual([])
    expect(textOf('docs/platforms/README.md')).toContain(`](${name}.md)`)
  })

  it('name the sources that end a wait', () => {
    expect(pages['docs/platforms/jenkins.md']).toContain('type [`jenkins`](../sources.md#jenkins-jenkins) wakes')
    expect(pages['docs/platforms/aws-fis.md']).toMatch(/type \[`aws-sns`\]\(\S+\) or \[`eventbridge`\]\(\S+\) wakes/)
    expect(pages['docs/platforms/locust.md']).toMatch(/type \[`http`\]\(\S+\) wakes/)
    expect(pages['docs/platforms/autocannon.md']).not.toContain('wakes')
  })

  it('have the recorded examples', () => {
    const golden: Record<string, { action: string; outcome: { message: string } }> = JSON.parse(
      textOf('test/golden/platforms.json'),
    )
    const missing = Object.entries(golden).filter(([path, { action, outcome }]) => {
      const [category, name] = path.split('/')
      const [, example] = pages[`docs/platforms/${name}.md`]?.split(`## Example of \`${category}/${action}\``) ?? []
      return !example?.includes(JSON.stringify(outcome.message))
    })
    expect(missing).toEqual([])
  })

  it.each(Object.entries(pages))('%s links only files and headings that exist', (path, page) => {
    const broken = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      const [file = '', hash] = link.split('#')
      const target = posix.join(posix.dirname(path), file)
      if (!(target in pages) && !existsSync(join(root, target))) return [link]
      const headings = withoutCode(textOf(target)).match(/(?<=^#+ ).*$/gm) ?? []
      return hash === undefined || headings.map(githubSlug).includes(hash) ? [] : [link]
    })
    expect(broken).toEqual([])
  })
})
