import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { engines } from '../../../infra/engines/index.ts'
import { BROWSERS } from '../../../infra/local/console/page-bundle.ts'
import { manifestOf } from '../../../infra/pack/manifest.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')
const page = read('docs/support.md')
const rowOf = (start: string) => page.split('\n').find((line) => line.startsWith(`| ${start}`))
const project = JSON.parse(read('package.json'))
const create = JSON.parse(read('infra/create/package.json'))
const [major] = project.devDependencies.node.split('.')

describe('docs/support.md', () => {
  it('has the Node.js versions of the packages, of CI and of the stack', () => {
    const minimum = (range: string) => range.replace('>=', '')
    expect(manifestOf(project, new Set()).engines).toEqual(create.engines)
    expect(rowOf('Node.js, to use')).toContain(`| ${minimum(create.engines.node)} and later`)
    const work = rowOf('Node.js, to work')
    expect(work).toContain(`| ${minimum(project.engines.node)} and later`)
    expect(work).toContain(`use ${project.devDependencies.node} |`)
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

describe('the workflows', () => {
  it.each(['ci', 'release'])('%s uses scripts that exist', (name) => {
    const scripts = [...read(`.github/workflows/${name}.yml`).matchAll(/npm run (?:--silent )?([\w:]+)/g)]
    for (const [, script = ''] of scripts) expect(project.scripts).toHaveProperty([script])
  })
})
