import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

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
      'docs/console.md',
      'docs/deploy.md',
      'docs/recipes.md',
      'docs/what-if.md',
      'docs/cloud-automation.md',
      'docs/quick-start.md',
      'docs/cloud-automation-to-workflows.md',
      'examples/README.md',
      'examples/*/README.md',
    ],
  },
  {
    title: 'Callers',
    // Also the page of an orchestrator that `webhooks new-orchestrator` has written.
    sources: [
      'docs/callers/README.md',
      'docs/agents.md',
      'docs/gateway.md',
      'docs/alerts.md',
      'docs/http-api.md',
      'docs/gates.md',
      'docs/poll.md',
      'docs/callback.md',
      'docs/callers/*.md',
      'docs/*.md',
    ],
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
      'docs/platforms/README.md',
      'docs/platforms/*.md',
    ],
  },
  {
    title: 'Operate',
    sources: [
      'docs/operate.md',
      'docs/policy.md',
      'docs/recovery.md',
      'docs/limits.md',
      'docs/runbooks/README.md',
      'docs/runbooks/*.md',
    ],
  },
  {
    title: 'Evidence',
    sources: [
      'docs/evidence.md',
      'docs/review.md',
      'docs/proof.md',
      'docs/bench.md',
      'docs/threat-model.md',
      'docs/security.md',
      'SECURITY.md',
    ],
  },
  {
    title: 'Reference',
    sources: [
      'docs/reference.md',
      'docs/reference/*.md',
      'docs/cli.md',
      'docs/support.md',
      'docs/glossary.md',
      'docs/api/README.md',
      'docs/api/framework.md',
      'docs/api/*.md',
      'CHANGELOG.md',
    ],
  },
  {
    title: 'Contribute',
    sources: [
      'docs/application.md',
      'docs/extend.md',
      'docs/architecture.md',
      'CONTRIBUTING.md',
      'docs/adr/README.md',
      'docs/adr/*.md',
    ],
  },
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

/** Returns the text of the first heading of a page. */
export function titleOf(root: string, source: string): string {
  if (source === 'README.md') return 'Overview'
  const heading = /^# (.*)$/m.exec(readFileSync(join(root, source), 'utf8'))?.[1]
  if (!heading) throw new Error(`${source} has no heading. Start it with "# ".`)
  return heading.replaceAll('`', '')
}
