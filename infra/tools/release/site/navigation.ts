import { globSync } from 'node:fs'

/** A task of a reader, with the sources of its pages in reading order. */
export interface Section {
  title: string
  /** Sources and globs. A page belongs to the first section that names it. */
  sources: readonly string[]
}

/** Named sources come before those of a glob, in any section. */
const SECTIONS: readonly Section[] = [
  {
    title: 'Start',
    sources: [
      'README.md',
      'docs/cloud-automation.md',
      'docs/quick-start.md',
      'docs/console.md',
      'docs/local-runtime.md',
      'docs/deploy.md',
      'examples/README.md',
      'examples/*/README.md',
    ],
  },
  {
    title: 'Orchestrators',
    // Also the page of an orchestrator that `webhooks new-orchestrator` has written.
    sources: ['docs/http-api.md', 'docs/callback.md', 'docs/poll.md', 'docs/*.md'],
  },
  {
    title: 'Platforms',
    sources: [
      'docs/secrets.md',
      'docs/oidc.md',
      'docs/sources.md',
      'functions/*/README.md',
      'docs/opsgenie.md',
      'docs/http.md',
      'docs/http/README.md',
      'docs/http/*.md',
    ],
  },
  {
    title: 'Extend',
    sources: [
      'docs/application.md',
      'docs/extend.md',
      'docs/architecture.md',
      'docs/contracts.md',
      'docs/glossary.md',
      'CONTRIBUTING.md',
    ],
  },
  {
    title: 'Operate',
    sources: [
      'docs/operate.md',
      'docs/agents.md',
      'docs/policy.md',
      'docs/recovery.md',
      'docs/security.md',
      'SECURITY.md',
      'docs/limits.md',
      'docs/bench.md',
      'docs/proof.md',
      'docs/runbooks/README.md',
      'docs/runbooks/*.md',
    ],
  },
  {
    title: 'Reference',
    sources: [
      'docs/reference.md',
      'docs/cli.md',
      'docs/support.md',
      'docs/api/README.md',
      'docs/api/framework.md',
      'docs/api/*.md',
      'CHANGELOG.md',
    ],
  },
  { title: 'Decisions', sources: ['docs/adr/README.md', 'docs/adr/*.md'] },
]
/** The reports of the public API are for reviews. */
const EXCLUDED = /\.api\.md$/

/** Returns the sections with the sources that exist in a folder. */
export function findSections(root: string): Section[] {
  const named = new Set(SECTIONS.flatMap(({ sources }) => sources.filter((source) => !source.includes('*'))))
  return SECTIONS.map(({ title, sources }) => ({
    title,
    sources: sources.flatMap((source) => {
      const found = globSync(source, { cwd: root }).sort()
      return source.includes('*') ? found.filter((path) => !named.has(path) && !EXCLUDED.test(path)) : found
    }),
  }))
}
