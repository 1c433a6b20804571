import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { newName } from '../../../infra/cli/extend/names.ts'
import { runInProcess } from '../../runner/in-process.ts'
import { type Copy, copyOfProject } from './copy.ts'

/** The commands write into their own project. */
let copy: Copy
beforeAll(() => {
  copy = copyOfProject()
})
afterAll(() => copy.remove())
const cli = (line: string) =>
  runInProcess(join(copy.folder, 'infra/cli/main.ts'), line.split(' '), { env: {}, cwd: copy.folder })

describe('newName', () => {
  it.each([
    ['acme', 'acme', 'Acme', 'Acme'],
    ['acme-desk', 'acmeDesk', 'AcmeDesk', 'Acme Desk'],
    ['k6-2', 'k62', 'K62', 'K6 2'],
  ])('spells %s as %s, %s and %s', (kebab, camel, pascal, title) => {
    expect(newName(kebab)).toEqual({ kebab, camel, pascal, title })
  })

  it.each([
    ['ServiceNow', 'such as service-now'],
    ['acme_desk', 'such as acme-desk'],
    ['3scale', 'such as scale'],
    ['-', 'start with a letter'],
    ['../acme', 'such as acme'],
    ['a'.repeat(41), 'up to 40'],
  ])('refuses %s with a hint: %s', (name, instead) => {
    expect(() => newName(name)).toThrow(instead)
  })

  it('accepts a title without characters that could end a string in code', () => {
    expect(newName('servicenow', 'ServiceNow')).toMatchObject({ pascal: 'Servicenow', title: 'ServiceNow' })
    expect(() => newName('acme', "Acme' + x")).toThrow('Invalid title')
  })
})

describe('the commands', () => {
  it.each([
    ['new-provider issue-ticketting acme', 'issue-ticketing'],
    ['new-provider issue-ticketing Acme', 'such as acme'],
    ['new-provider issue-ticketing jira', 'issue-ticketing already has a provider jira'],
    ['new-provider issue-ticketing slack', 'notification already has a provider slack'],
    ['new-provider issue-ticketing any-api', 'infra/platforms/any-api.ts already exists'],
    ['new-provider issue-ticketing segment', 'already uses the name segment'],
    ['new-provider incident-management acme', 'Add --kind ticket or job'],
    ['new-provider feature-flags acme --kind job', 'Add --kind flag'],
    ['new-category acme-desk', "'--kind <kind>' not specified"],
    ['new-category slo --kind evaluation', 'The category slo already exists'],
    ['new-category finisher --kind job', 'The name finisher is reserved'],
    ['new-orchestrator Acme', 'such as acme'],
    ['new-orchestrator github', 'The orchestrator github already exists'],
    ['new-orchestrator flagger', 'shared/orchestrators/flagger.ts already exists'],
    ['new-orchestrator event', 'already uses the name event'],
    ['new-category access --kind thing', 'Allowed choices are ticket, job, flag, message, evaluation'],
  ])('refuse %s and write nothing', async (line, why) => {
    const before = sources()
    expect(await cli(line)).toMatchObject({ code: 2, err: expect.stringContaining(why) })
    expect(sources()).toEqual(before)
  })

  it('list the files with --dry-run and write nothing', async () => {
    const before = sources()
    const { code, out } = await cli('new-category access --kind job --provider acme --dry-run')
    expect([code, out]).toEqual([0, expect.stringContaining('Would write\n  functions/access/index.ts\n')])
    expect(out).toContain('  infra/platforms/acme.ts\n')
    expect(out).toContain('Would change\n  functions/index.ts\n')
    expect(sources()).toEqual(before)
  })

  it('print JSON with --json', async () => {
    const { out } = await cli('new-provider ci-cd acme --dry-run --json')
    expect(JSON.parse(out)).toMatchObject({
      created: ['functions/ci-cd/providers/acme.ts', 'infra/platforms/acme.ts', 'test/functions/ci-cd/acme.test.ts'],
      next: [
        'npm test -- test/functions/ci-cd/acme.test.ts',
        'WEBHOOKS_DEMO=off npm start',
        expect.stringMatching(/^echo '.*' \| npx webhooks connect ci-cd\/acme --local --from-file -$/),
        'npx webhooks send ci-cd/trigger-build --connection acme --input target=report --input parameters.month=2026-11 --mode interactive',
      ],
    })
  })

  it('list the files of an orchestrator', async () => {
    const test = 'test/shared/orchestrators/acme-flows.test.ts'
    const { out } = await cli('new-orchestrator acme-flows --dry-run --json')
    expect(JSON.parse(out)).toEqual({
      created: ['shared/orchestrators/acme-flows.ts', test, 'docs/acme-flows.md'],
      changed: ['shared/orchestrators/index.ts'],
      next: [
        `npm test -- ${test}`,
        'npx webhooks orchestrator add acme-flows',
        'npx webhooks token create acme-flows --orchestrator acme-flows',
      ],
    })
  })

  it('remind of the blast radius in chaos-testing', async () => {
    expect((await cli('new-provider chaos-testing acme --dry-run')).out).toContain('blast radius')
  })
})

/** Every file that the commands may change, with its size. */
function sources(): [string, number][] {
  return ['functions', 'shared', 'test', 'docs'].flatMap((part) =>
    readdirSync(join(copy.folder, part), { recursive: true, encoding: 'utf8' }).map((below): [string, number] => {
      const path = join(part, below)
      return [path, statSync(join(copy.folder, path)).size]
    }),
  )
}
