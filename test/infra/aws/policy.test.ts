import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { build, functionOf, permissionsOf, type Resource, synthesize, tenCategories, yamlFile } from './synthesize.ts'

const two = tenCategories.filter(({ name }) => name === 'slo' || name === 'ci-cd')
const yaml = 'rules:\n  - name: no releases\n    when: { actions: [ci-cd/*] }\n    deny: Ask the owners\n'
const policy = yamlFile('deployed-policy', yaml)
const deployed = synthesize({ policy }, two)
const fileOf = ({ Properties }: Resource) => Properties.Environment.Variables.WEBHOOKS_POLICY_FILE
const functionsOf = (found: typeof deployed) =>
  ['webhook', 'task'].flatMap((entry) => two.map(({ name }) => functionOf(found, entry, name)))

describe('A deployment with policy.yaml', () => {
  it('has the same resources as before if the file has no rules', () => {
    const empty = synthesize({ policy: yamlFile('empty-policy', 'timeZone: UTC\n') }, two)
    expect(empty.template.toJSON()).toEqual(synthesize({}, two).template.toJSON())
  })

  it('gives the file to all webhooks and tasks, as a new version after a change', () => {
    const [file, ...others] = new Set(functionsOf(deployed).map(fileOf))
    expect([file, others]).toEqual([expect.stringMatching(/^\/opt\/policy-[0-9a-f]{12}\.json$/), []])
    for (const fn of functionsOf(deployed)) expect(fn.Properties.Layers).toHaveLength(1)
    expect(fileOf(functionOf(deployed, 'finisher', 'all'))).toBeUndefined()
    const changed = synthesize({ policy: yamlFile('changed-policy', yaml.replace('owners', 'team')) }, two)
    expect(functionsOf(changed).map(fileOf)).not.toContain(file)
  })

  it('gives events.yaml to the functions that need it, too', () => {
    const events = yamlFile('events-of-policy', 'sources: { github: { type: github, wakes: [ci-cd/default] } }')
    const both = synthesize({ policy, events }, two)
    const layers = functionsOf(both).map(({ Properties }) => Properties.Layers.length)
    expect(layers).toEqual([...two, ...two].map(({ name }) => (name === 'ci-cd' ? 2 : 1)))
  })

  it('compiles the file to JSON', () => {
    const { directory } = build({ policy }, two).app.synth()
    const [name = ''] = readdirSync(directory).filter((file) => file.startsWith('webhooks-policy-'))
    const file = join(directory, name, name.replace(/^webhooks-(.*)$/, '$1.json'))
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      enforce: true,
      rules: [
        { name: 'no releases', when: { actions: ['ci-cd/*'] }, effect: { type: 'deny', reason: 'Ask the owners' } },
      ],
    })
  })

  it.each([
    ['broken YAML', 'rules:\n  - name: [', /line \d: not valid YAML/],
    [
      'a rule without an effect',
      `${yaml}  - name: b\n`,
      /line 5: rules\.1 must have exactly one of deny, only, freeze, approve, oneAtATime, atMost, but has none/,
    ],
    [
      'a time without quotes',
      'timeZone: UTC\nrules:\n  - name: a\n    only:\n      from: 8',
      /line 5: rules\.0\.only\.from must be/,
    ],
    ['a list', '- a', /line 1: /],
  ])('is refused if the file has %s', (_name, text, message) => {
    expect(() => build({ policy: yamlFile('invalid-policy', text) }, two)).toThrow(message)
  })

  it('lets tasks ask people, if the policy requires approvals', () => {
    const asks = yamlFile(
      'asking-policy',
      'approval: { connection: ops }\nrules:\n  - { name: a, when: { actions: [ci-cd/*] }, approve: {} }\n',
    )
    const three = tenCategories.filter(({ name }) => ['slo', 'ci-cd', 'notification'].includes(name))
    const found = synthesize({ policy: asks }, three)
    const variablesOf = (category: string) => functionOf(found, 'task', category).Properties.Environment.Variables
    const permitted = (entry: string, category: string) => permissionsOf(found, functionOf(found, entry, category))
    expect(variablesOf('ci-cd')).toMatchObject({ WEBHOOKS_ASKING_FUNCTION: { Ref: expect.stringContaining('Live') } })
    expect(variablesOf('notification')).toMatchObject({ WEBHOOKS_ASKING_FUNCTION: 'self' })
    expect(JSON.stringify(variablesOf('notification')['WEBHOOKS_URL'])).toContain('execute-api')
    expect(JSON.stringify(permitted('task', 'ci-cd').get('lambda:InvokeFunction'))).toContain('Notification')
    expect(permitted('task', 'slo').has('lambda:InvokeFunction')).toBe(true)
    expect(() => build({ policy: asks }, two)).toThrow('Enable notification in the setting categories')
  })

  it('is refused without its file', () => {
    expect(() => build({ policy: '/no/policy.yaml' }, two)).toThrow('/no/policy.yaml cannot be read (ENOENT)')
  })
})
