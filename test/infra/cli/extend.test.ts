import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { newName } from '../../../infra/cli/extend/names.ts'
import { webhooks } from './webhooks.ts'

const root = join(import.meta.dirname, '../../..')
const cli = (line: string) => webhooks(`${line} --dry-run`)

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

describe('new-provider, new-category and new-orchestrator', () => {
  it('list the files with --dry-run and write nothing', async () => {
    const { code, out } = await cli('new-category access --kind job --provider acme')
    expect([code, out]).toEqual([0, expect.stringContaining('Would write\n  functions/access/index.ts\n')])
    expect(out).toContain('  test/functions/access/acme/fake.ts\n')
    expect(out).toContain('Would change\n  functions/index.ts\n')
    expect(existsSync(join(root, 'functions/access'))).toBe(false)
  })

  it('print JSON with --json', async () => {
    const tests = 'test/functions/ci-cd/acme'
    const { out } = await cli('new-provider ci-cd acme --json')
    expect(JSON.parse(out)).toMatchObject({
      created: [
        'functions/ci-cd/acme/acme.ts',
        ...['fake', 'acme.test', 'contract'].map((file) => `${tests}/${file}.ts`),
      ],
      changed: expect.arrayContaining(['functions/ci-cd/index.ts', 'functions/ci-cd/README.md']),
      next: [
        `npm test -- ${tests}/acme.test.ts`,
        'WEBHOOKS_DEMO=off npm start',
        expect.stringMatching(/^echo '.*' \| npx webhooks connect ci-cd\/acme --local --from-file -$/),
        'npx webhooks send ci-cd/trigger-build --connection acme --input target=report --input parameters.month=2026-11 --mode interactive',
      ],
    })
  })

  it('add a messenger to the list that reports share', async () => {
    const changed = expect.arrayContaining(['functions/notification/message-providers.ts'])
    expect(JSON.parse((await cli('new-provider notification acme --json')).out)).toMatchObject({ changed })
  })

  it('print the URL of the local runtime', async () => {
    const options = { env: { WEBHOOKS_PORT: '8944' } }
    const { out } = await webhooks('new-provider ci-cd acme --dry-run', options)
    expect(out).toContain('"baseUrl":"http://127.0.0.1:8944/sandbox/tool"')
  })

  it('list the files of an orchestrator', async () => {
    const test = 'test/shared/orchestrators/acme-flows.test.ts'
    const { out } = await cli('new-orchestrator acme-flows --json')
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
    expect((await cli('new-provider chaos-testing acme')).out).toContain('blast radius')
  })
})
