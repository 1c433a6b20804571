import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { newName } from '../../../infra/cli/extend/names.ts'
import { templateShapes } from '../../../infra/cli/extend/shapes.ts'
import { type Copy, copyOfProject } from './copy.ts'

/** They write into the project that they belong to. */
let copy: Copy
beforeAll(() => {
  copy = copyOfProject()
})
afterAll(() => copy.remove())
const cli = (...args: string[]) => copy.node('infra/cli/main.ts', ...args)
const isThere = (path: string) => existsSync(join(copy.folder, path))

describe('what new-category and new-provider write', () => {
  const read = (path: string) => readFileSync(join(copy.folder, path), 'utf8')
  const bin = (name: string) => `node_modules/${name}`

  beforeAll(async () => {
    // A category of each shape, each with a provider; and providers of categories that there are.
    for (const shape of templateShapes)
      await cli('new-category', `new-${shape}s`, '--shape', shape, '--provider', `acme-${shape}`)
    await cli('new-provider', 'notification', 'pigeon')
    await cli('new-provider', 'incident-management', 'acme-runs', '--shape', 'job', '--title', 'ACME Runs 2.0')
  })

  it('is all that there is to do: it is in the lists, the tables and the reference', async () => {
    for (const shape of templateShapes) {
      expect(read('README.md')).toContain(`[new-${shape}s](functions/new-${shape}s/README.md)`)
      expect(read('docs/reference.md')).toContain(`### Connection of \`new-${shape}s\` to \`acme-${shape}\``)
    }
    expect(read('functions/incident-management/README.md')).toContain('## ACME Runs 2.0 (`acme-runs`)')
    expect(read('test/contract/subjects/index.ts')).toContain("'acme-runs': 'There is none yet;")
    await copy.node('infra/docs/main.ts', '--check')
  })

  it('compiles', async () => {
    expect(await copy.node(bin('typescript/bin/tsc'), '--noEmit')).toBe('')
  })

  it('is formatted and linted', async () => {
    const paths = ['functions', 'test/functions', 'infra/platforms', 'test/contract/subjects']
    const said = await copy.node(bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', ...paths)
    expect(said).toMatch(/No fixes applied/)
  })

  it('passes its tests, and each webhook of a new README works', async () => {
    // Of each provider, and of the states of all jobs.
    const suites = templateShapes.length + 2 + 1
    await copy.node('infra/build/main.ts')
    const jest = ['--experimental-vm-modules', bin('jest/bin/jest.js'), '--maxWorkers=1']
    const said = await Promise.all([
      copy.node(...jest, 'test/functions/.*/(acme|pigeon)', 'test/contract/states'),
      copy.node(...jest, 'test/docs.test.ts', '--testNamePattern', ' new-|name every field|names every category'),
    ])
    expect(said[0]).toMatch(new RegExp(`Test Suites: ${suites} passed, ${suites} total`))
    expect(said[1]).toMatch(/work as they stand: \S+ to new-tickets\/close-ticket\?mode=interactive/)
  })
})

describe('a name', () => {
  it.each([
    ['acme', 'acme', 'Acme', 'Acme'],
    ['acme-desk', 'acmeDesk', 'AcmeDesk', 'Acme Desk'],
    ['k6-2', 'k62', 'K62', 'K6 2'],
  ])('%s is written %s, %s and %s', (kebab, camel, pascal, title) => {
    expect(newName(kebab)).toEqual({ kebab, camel, pascal, title })
  })

  it.each([
    ['ServiceNow', 'such as service-now'],
    ['acme_desk', 'such as acme-desk'],
    ['3scale', 'such as scale'],
    ['-', 'a letter first'],
    ['../acme', 'such as acme'],
    ['a'.repeat(41), 'up to 40'],
  ])('%s is none, and what to write instead is said', (name, instead) => {
    expect(() => newName(name)).toThrow(instead)
  })

  it('may have another title, in which nothing can end a text of the code', () => {
    expect(newName('servicenow', 'ServiceNow')).toMatchObject({ pascal: 'Servicenow', title: 'ServiceNow' })
    expect(() => newName('acme', "Acme' + x")).toThrow('can not be a title')
  })
})

describe('the commands', () => {
  it.each([
    ['new-provider issue-ticketting acme', 'issue-ticketing'],
    ['new-provider issue-ticketing Acme', 'such as acme'],
    ['new-provider issue-ticketing jira', 'issue-ticketing has a provider jira already'],
    ['new-provider issue-ticketing slack', 'notification has a provider slack already'],
    ['new-provider issue-ticketing any-api', 'infra/platforms/any-api.ts is there already'],
    ['new-provider issue-ticketing segment', 'segment is a word of the code'],
    ['new-provider incident-management acme', 'give --shape ticket or job'],
    ['new-provider feature-flags acme --shape job', 'give --shape flag'],
    ['new-category acme-desk', "'--shape <shape>' not specified"],
    ['new-category slo --shape evaluation', 'There is a category slo already'],
    ['new-category finisher --shape job', 'finisher can not be the name of a category'],
    ['new-category access --shape thing', 'Allowed choices are ticket, job, flag, message, evaluation'],
  ])('refuse %s, and write nothing', async (line, why) => {
    const before = sources()
    const refused = await cli(...line.split(' ')).catch(String)
    expect(refused).toContain('ended with 2:')
    expect(refused).toContain(why)
    expect(sources()).toEqual(before)
  })

  it('say with --dry-run what they would write, and write nothing', async () => {
    const out = await cli('new-category', 'access', '--shape', 'job', '--provider', 'acme', '--dry-run')
    expect(out).toContain('Would write\n  functions/access/index.ts\n')
    expect(out).toContain('  infra/platforms/acme.ts\n')
    expect(out).toContain('Would change\n  functions/index.ts\n')
    expect(isThere('functions/access')).toBe(false)
  })

  it('answer programs with JSON', async () => {
    const out = await cli('new-provider', 'ci-cd', 'acme', '--dry-run', '--json')
    expect(JSON.parse(out)).toMatchObject({
      created: ['functions/ci-cd/providers/acme.ts', 'infra/platforms/acme.ts', 'test/functions/ci-cd/acme.test.ts'],
      next: [
        'npm test -- test/functions/ci-cd/acme.test.ts',
        'WEBHOOKS_DEMO=off npm start',
        expect.stringMatching(/^echo '.*' \| npm run webhooks -- connect ci-cd\/acme --local --from-file -$/),
        'npm run webhooks -- send ci-cd/trigger-build --connection acme --input target=report --input parameters.month=2026-11 --mode interactive',
      ],
    })
  })

  it('remind whoever breaks things of the blast radius', async () => {
    expect(await cli('new-provider', 'chaos-testing', 'acme', '--dry-run')).toContain('blast radius')
  })
})

/** Every file that they may write to, with its size. */
function sources(): [string, number][] {
  return ['functions', 'test', 'docs'].flatMap((part) =>
    readdirSync(join(copy.folder, part), { recursive: true, encoding: 'utf8' }).map((below): [string, number] => {
      const path = join(part, below)
      return [path, statSync(join(copy.folder, path)).size]
    }),
  )
}
