import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { addressOf } from '../../../../infra/tools/release/site/addresses.ts'
import { findBrokenLinks } from '../../../../infra/tools/release/site/check.ts'
import { githubSlug, siteLink } from '../../../../infra/tools/release/site/links.ts'
import { markdownPages } from '../../../../infra/tools/release/site/markdown.ts'
import { findSections } from '../../../../infra/tools/release/site/navigation.ts'
import { searchSettings } from '../../../../infra/tools/release/site/search.ts'

const root = join(import.meta.dirname, '../../../..')
const sources = findSections(root).flatMap((section) => section.sources)

describe('the navigation of the documentation site', () => {
  it('contains each page once, at its own address', () => {
    expect(sources.filter((source, at) => sources.indexOf(source) !== at)).toEqual([])
    const addresses = sources.map(addressOf)
    expect(addresses).not.toContain(undefined)
    expect(new Set(addresses).size).toBe(sources.length)
  })

  it('contains the categories, the runbooks, the decisions and the pages for contributors', () => {
    expect(sources).toEqual(
      expect.arrayContaining([
        'README.md',
        'CHANGELOG.md',
        'CONTRIBUTING.md',
        'SECURITY.md',
        'docs/runbooks/webhook-errors.md',
        'functions/slo/README.md',
        'docs/http/harbor.md',
        'docs/adr/0004-one-state-table.md',
      ]),
    )
  })
})

describe('the pages as Markdown', () => {
  const base = '/docs/'
  const pages = markdownPages(findSections(root), { root, base })
  const withoutCode = (text: string) => text.replaceAll(/^(```|~~~)[\s\S]*?^\1$/gm, '')

  it('are one for each page, and llms.txt lists each with its title', () => {
    expect([...pages.keys()].sort()).toEqual(
      ['llms.txt', 'index.md', ...sources.map((s) => `${addressOf(s)}.md`)].sort(),
    )
    const listed = [...(pages.get('llms.txt') ?? '').matchAll(/^- \[(.+?)\]\((.+?)\)(?:: .+)?$/gm)]
    expect(listed.map(([, , link]) => link)).toEqual(sources.map((source) => `${base}${addressOf(source)}.md`))
    expect(pages.get('llms.txt')).toMatch(/^# cloud-automation-webhooks\n\n> \S/)
  })

  it('have only links to pages and headings that exist, or to other sites', () => {
    const broken = [...pages].flatMap(([path, text]) =>
      [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
        // The build of the site writes the pages of the API, and finds links that lead nowhere.
        if (/^(?:https?|mailto):/.test(link) || link.startsWith(`${base}api/`)) return []
        const [target = '', hash] = link.split('#')
        const page = target === '' ? path : target.startsWith(base) ? target.slice(base.length) : target
        const headings = withoutCode(pages.get(page) ?? '').match(/(?<=^#+ ).*$/gm) ?? []
        const slugs = headings.map((heading) => githubSlug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')))
        const isFound =
          pages.has(page) && (hash === undefined || slugs.includes(hash.replace(/-\d+$/, '')) || slugs.includes(hash))
        return isFound ? [] : [`${path}: ${link}`]
      }),
    )
    expect(broken).toEqual([])
  })

  it('leave code unchanged', () => {
    expect(pages.get('http-api.md')).toContain('POST /v1/{category}/{action}/cancel\n')
  })
})

describe('the search', () => {
  const { options, searchOptions } = searchSettings
  it('finds a name by the name, and not by its parts', () => {
    expect(options.tokenize('Set WEBHOOKS_PORT.')).toEqual(['Set', 'WEBHOOKS', 'PORT', 'WEBHOOKS_PORT'])
    expect(searchOptions.tokenize('`WEBHOOKS_PORT` default')).toEqual(['WEBHOOKS_PORT', 'default'])
  })

  it('finds the forms of a word', () => {
    const forms = ['retry', 'Retries', 'retried', 'status', 'class', 'is', 'jobs']
    expect(forms.map(options.processTerm)).toEqual(['retry', 'retry', 'retry', 'statu', 'class', 'is', 'job'])
  })
})

describe('siteLink', () => {
  const link = (source: string, target: string, repository?: string) => siteLink(root, source, target, repository)

  it('leads to the address of a page and its heading', () => {
    expect(link('functions/slo/README.md', '../../docs/http/README.md#x')).toBe('/recipes/#x')
    expect(link('docs/http/harbor.md', '../http.md')).toBe('/http')
    expect(link('CONTRIBUTING.md', 'docs/adr')).toBe('/adr/')
  })

  it('keeps links to other sites and to headings of the same page', () => {
    for (const target of ['https://example.com/a.md', '#shop']) expect(link('README.md', target)).toBe(target)
  })

  it('leads to the repository for other files, if it is known', () => {
    const repository = 'https://github.com/acme/webhooks'
    expect(link('docs/extend.md', '../shared/providers', repository)).toBe(`${repository}/tree/main/shared/providers`)
    expect(link('docs/extend.md', '../LICENSE', repository)).toBe(`${repository}/blob/main/LICENSE`)
    expect(link('docs/extend.md', '../LICENSE')).toBeUndefined()
  })

  it('rejects a link to a file that does not exist', () => {
    expect(() => link('docs/extend.md', 'missing.md')).toThrow('docs/extend.md links to missing.md')
  })
})

describe('findBrokenLinks', () => {
  it('reports links without a page or a heading', () => {
    const pages = new Map([
      ['index.html', '<a href="/docs/a.html#one"></a><a href="/docs/runbooks/"></a><a href="/docs/assets/a.css"></a>'],
      ['a.html', '<h2 id="one"></h2><a href="#two"></a><a href="https://example.com/x.html"></a><a href="b.html"></a>'],
      ['runbooks/index.html', '<a href="../a.html"></a><a href="/a.html"></a>'],
    ])
    expect(findBrokenLinks(pages, '/docs/')).toEqual(['a.html: #two', 'a.html: b.html', 'runbooks/index.html: /a.html'])
  })
})
