import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { addressOf } from '../../../../infra/tools/release/site/addresses.ts'
import { findBrokenLinks } from '../../../../infra/tools/release/site/check.ts'
import { siteLink } from '../../../../infra/tools/release/site/links.ts'
import { findSections } from '../../../../infra/tools/release/site/navigation.ts'

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
