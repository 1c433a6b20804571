import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { BROWSERS } from '../../../../infra/local/console/page-bundle.ts'
import { engines } from '../../../../infra/sandbox/engines/index.ts'
import { manifestOf } from '../../../../infra/tools/pack/manifest.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '../../../..', path), 'utf8')
const page = read('docs/support.md')
const rowOf = (start: string) => page.split('\n').find((line) => line.startsWith(`| ${start}`))
const project = JSON.parse(read('package.json'))
const create = JSON.parse(read('infra/tools/create/package.json'))
const [major] = project.peerDependencies.node.split('.')

describe('docs/support.md', () => {
  it('has the Node.js versions of the packages, of CI and of the stack', () => {
    const minimum = (range: string) => range.replace('>=', '')
    expect(manifestOf(project, new Set()).engines).toEqual(create.engines)
    expect(rowOf('Node.js, to use')).toContain(`| ${minimum(create.engines.node)} and later`)
    const work = rowOf('Node.js, to work')
    expect(work).toContain(`| ${minimum(project.engines.node)} and later`)
    expect(work).toContain(`use ${project.peerDependencies.node} |`)
    const { matrix } = parse(read('.github/workflows/ci.yml')).jobs.test.strategy
    expect(work).toContain(`CI starts with ${matrix['node-version'].join(', ').replace(/, (\d+)$/, ' and $1')} |`)
    expect(rowOf('Runtime on AWS')).toContain(`nodejs${major}.x`)
    expect(read('infra/aws/bundle-function.ts')).toContain(`Runtime.NODEJS_${major}_X`)
  })

  it('has the names of the packages, which have one version', () => {
    expect(page).toContain(`The packages \`${project.name}\` and \`${create.name}\` have the same version`)
    expect(create.version).toBe(project.version)
  })

  it('lists every type of orchestrator and every engine', () => {
    const types = [...read('shared/orchestrators/index.ts').matchAll(/^ {2}'?([\w-]+)'?: async/gm)].map(
      ([, name = '']) => name,
    )
    expect(types).toContain('keptn')
    const missing = [...types, ...engines.map(({ name }) => name)].filter((name) => !page.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })

  it('has the browsers that the console is built for', () => {
    for (const browser of BROWSERS) {
      const [, name = '', version] = /^([a-z]+)([\d.]+)$/.exec(browser) ?? []
      expect(rowOf('Browsers')?.toLowerCase()).toContain(`${name} ${version}`)
    }
  })
})

interface Workflow {
  permissions: Record<string, string>
  jobs: Record<
    string,
    { permissions?: Record<string, string>; environment?: unknown; steps: { uses?: string; run?: string }[] }
  >
}

describe('the workflows', () => {
  it.each(['ci', 'release'])('%s uses scripts that exist', (name) => {
    const scripts = [...read(`.github/workflows/${name}.yml`).matchAll(/npm run (?:--silent )?([\w:]+)/g)]
    for (const [, script = ''] of scripts) expect(project.scripts).toHaveProperty([script])
  })

  it.each(['ci', 'release'])('%s runs no code of the project in a job that can get a token of its identity', (name) => {
    const { permissions, jobs } = parse(read(`.github/workflows/${name}.yml`)) as Workflow
    expect(permissions).toEqual({ contents: 'read' })
    const trusted = Object.values(jobs).filter((job) => job.permissions?.['id-token'] === 'write')
    for (const { steps } of trusted) {
      const used = steps.map(({ uses = '' }) => uses.replace(/@.*/, ''))
      expect(used).not.toContain('actions/checkout')
      expect(steps.map(({ run = '' }) => run).join('\n')).not.toMatch(/npm (?:run|ci|test|install|exec)|npx|node /)
    }
    expect(trusted).toHaveLength(name === 'release' ? 2 : 0)
  })

  it('publish to npm only in the environment that CONTRIBUTING names', () => {
    const { jobs } = parse(read('.github/workflows/release.yml')) as Workflow
    const publishing = Object.values(jobs).filter(({ steps }) => steps.some(({ run }) => run?.includes('npm publish')))
    expect(publishing).toMatchObject([{ environment: 'npm', permissions: { 'id-token': 'write' } }])
    expect(read('CONTRIBUTING.md')).toContain('the environment `npm`')
  })
})
