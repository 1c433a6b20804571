import { join } from 'node:path'
import { addressOf } from '../addresses.ts'
import { githubSlug, siteLink } from '../links.ts'
import { findSections, titleOf } from '../navigation.ts'
import { searchSettings } from '../search.ts'

// npm run docs:site sets them.
const { SITE_ROOT: root, SITE_OUTPUT: outDir, SITE_BASE: base, SITE_REPOSITORY: repository } = process.env
const HOME = 'infra/tools/release/site/index.md'

const sections = findSections(root)
const sources = [HOME, ...sections.flatMap((section) => section.sources)]
// With `index`, the page of a folder would not be the one that the sidebar marks.
const linkOf = (source) => `/${addressOf(source).replace(/(?<=\/)index$/, '')}`

/** Turns links between sources into links of the site, and renders text as GitHub does. */
function renderAsGithub(md) {
  md.core.ruler.push('site-links', ({ tokens, env }) => {
    // The search has no realPath, and the title of a page neither.
    const source = (env.realPath ?? env.path)?.slice(root.length + 1)
    if (source === undefined) return
    for (const { children } of tokens) if (children) replaceLinks(children, source)
    // A header without text confuses screen readers.
    for (const [at, token] of tokens.entries())
      if (token.type === 'th_open' && tokens[at + 1].content === '') token.tag = tokens[at + 2].tag = 'td'
    // VitePress highlights only fences and gives only them a copy button.
    for (const token of tokens) {
      if (token.type === 'code_block') Object.assign(token, { type: 'fence', tag: 'code', info: '' })
    }
  })
  // Vue would evaluate the braces.
  for (const rule of ['text', 'code_inline']) {
    const render = md.renderer.rules[rule]
    md.renderer.rules[rule] = (...args) => render(...args).replaceAll('{{', '&#123;&#123;')
  }
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, ...rest) =>
    tokens[index].info === 'mermaid'
      ? `<pre class="mermaid" tabindex="0" v-pre>${md.utils.escapeHtml(tokens[index].content)}</pre>`
      : fence(tokens, index, ...rest)
}

function replaceLinks(tokens, source) {
  let isText = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const link = siteLink(root, source, token.attrGet('href'), repository)
      isText = link === undefined
      if (!isText) token.attrSet('href', link)
    }
    if (isText && token.type.startsWith('link_')) Object.assign(token, { type: 'text', content: '' })
  }
}

export default {
  title: 'cloud-automation-webhooks',
  description: 'Webhooks for delivery and operations, as AWS Lambda functions',
  base,
  srcDir: root,
  // Without it, the search for pages reads the complete project.
  srcExclude: [
    '{test,shared,dist*,cdk.out,coverage,screenshots,site}/**',
    'infra/{aws,cli,local,sandbox}/**',
    'infra/tools/!(release)/**',
    'AGENTS.md',
    '.changeset/**',
    'docs/api/*.api.md',
  ],
  rewrites: Object.fromEntries(sources.map((source) => [source, `${addressOf(source)}.md`])),
  outDir,
  // Programs that read need no HTML.
  transformHead: ({ page }) => [['link', { rel: 'alternate', type: 'text/markdown', href: `${base}${page}` }]],
  cacheDir: join(root, 'infra/tools/release/node_modules/.cache/site'),
  markdown: {
    anchor: { slugify: githubSlug },
    config: renderAsGithub,
    // Comments of the default themes have too little contrast.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    linkify: false,
    // Otherwise, emoji and heading ids that GitHub shows as text would change.
    attrs: { disable: true },
  },
  themeConfig: {
    nav: sections.map(({ title, sources: [first, ...others] }) => ({
      text: title,
      link: linkOf(first),
      activeMatch: `^/(${[first, ...others].map(addressOf).join('|')})(\\.html)?$`,
    })),
    sidebar: sections.map(({ title, sources: [first, ...others] }) => ({
      text: title,
      // Without a link, the title would be a button that contains the one that opens the section.
      link: linkOf(first),
      collapsed: true,
      items: [first, ...others].map((source) => ({ text: titleOf(root, source), link: linkOf(source) })),
    })),
    outline: [2, 3],
    search: {
      provider: 'local',
      options: { miniSearch: searchSettings },
    },
    ...(repository ? { socialLinks: [{ icon: 'github', link: repository }] } : {}),
  },
}
