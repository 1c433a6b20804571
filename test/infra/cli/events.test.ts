import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '../../temporary-folder.ts'
import { webhooks } from './webhooks.ts'

const folder = temporaryFolder()

/** Writes a file into the folder of the commands, and returns its name. */
function file(name: string, value: unknown): string {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  return name
}

const opening = {
  name: 'open',
  source: 'alerts',
  on: "status == 'firing'",
  each: 'alerts',
  key: "join('/', [fingerprint, startsAt])",
  call: 'issue-ticketing/open-issue',
  connection: 'ops',
  input: "{title: labels.alertname, labels: ['alert']}",
  group: { by: 'labels.region', max: 1, per: 'PT1H', input: '{title: group}' },
}
const closing = {
  name: 'close',
  source: 'alerts',
  on: "status == 'resolved'",
  each: opening.each,
  key: opening.key,
  call: 'issue-ticketing/close-issue',
  input: "{comment: 'Resolved'}",
  closes: 'open',
}
const sources = { alerts: { type: 'http' }, repository: { type: 'github' } }
const alert = (fields: object) => ({
  fingerprint: '5ef',
  status: 'firing',
  startsAt: '2026-11-30T10:00:00Z',
  labels: { alertname: 'DiskFull', region: 'eu' },
  ...fields,
})
const body = file('firing.json', { alerts: [alert({}), alert({ status: 'resolved' })] })
const events = file('events.yaml', { sources, rules: [opening, closing] })
const key = '5ef/2026-11-30T10:00:00Z'

const test = (line: string, options = {}) => webhooks(`events test ${line}`, { cwd: folder, ...options })

/** Returns the results for a rule that differs from the one that opens a ticket. */
async function resultsOf(rule: object, sent: unknown = { alerts: [alert({})] }) {
  const rules = file('rule.yaml', { sources, rules: [{ ...opening, ...rule }] })
  const { code, out } = await test(`${file('body.json', sent)} --events ${rules} --json`)
  return { code, results: JSON.parse(out).results }
}

describe('webhooks events test', () => {
  it('shows each call with its connection, input, key, group and what it closes, and why a rule makes no call', async () => {
    const { code, out, err } = await test(`${body} --events ${events}`)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe(`notification of alerts (http): 2 alerts, 2 calls

open: alert 1, firing, key ${key}
  calls issue-ticketing/open-issue with the connection ops
  input {"title":"DiskFull","labels":["alert"]}
  group eu: 1 call in 1 h, and one for all others after it

open: alert 2, firing, key ${key}
  no call: "on" is false, not true.

close: alert 1, firing, key ${key}
  no call: "on" is false, not true.

close: alert 2, resolved, key ${key}
  calls issue-ticketing/close-issue with the connection default
  input {"comment":"Resolved"}
  closes what open has opened: its id is added to the input
`)
  })

  it('reads the rules of the local runtime, and the body from stdin', async () => {
    const env = { WEBHOOKS_EVENTS: events }
    const stdin = JSON.stringify({ alerts: [alert({})] })
    const { code, out } = await test('- --local --json', { env, stdin })
    expect({ code, tried: JSON.parse(out) }).toMatchObject({
      code: 0,
      tried: {
        source: 'alerts',
        type: 'http',
        event: 'notification',
        results: [
          {
            rule: 'open',
            alert: 0,
            state: 'firing',
            key,
            call: {
              action: 'issue-ticketing/open-issue',
              connection: 'ops',
              input: { title: 'DiskFull', labels: ['alert'] },
              group: 'eu',
            },
          },
          { rule: 'close', reason: '"on" is false, not true.' },
        ],
      },
    })
  })

  it('gives rules the headers', async () => {
    const rule = {
      name: 'label',
      source: 'repository',
      call: opening.call,
      input: '{title: notification.headers."x-team"}',
    }
    const rules = file('headers.yaml', { sources, rules: [rule] })
    const opened = file('opened.json', { action: 'opened', issue: { id: 7, state: 'open' } })
    const { out } = await test(`${opened} --events ${rules} --header x-github-event:issues --header 'X-Team: checkout'`)
    expect(out).toContain('input {"title":"checkout"}')
  })

  it.each([
    ['an expression', { input: 'length(labels.count)' }, /^rules\.0\.input cannot be evaluated: Invalid argument type/],
    ['a list', { each: 'length(count)' }, /^rules\.0: The alert is not as HTTP API sends it: Invalid argument type/],
    ['a key', { key: 'labels.none' }, /^rules\.0: The key of the alert must be text/],
    ['an input', { input: '{titel: status}' }, /^rules\.0\.input: .*input\.titel is not a known field/],
  ])('exits with 1 and says where, if %s does not fit', async (_name, rule, reason) => {
    expect(await resultsOf(rule)).toEqual({
      code: 1,
      results: [expect.objectContaining({ rule: 'open', isProblem: true, reason: expect.stringMatching(reason) })],
    })
  })

  it('shows a list that is missing', async () => {
    expect(await resultsOf({}, { alarms: [] })).toMatchObject({
      code: 1,
      results: [{ isProblem: true, reason: 'rules.0: The alert is not an object.' }],
    })
  })

  it('says that a body without alerts has no effect', async () => {
    const { code, out } = await test(`${file('none.json', { alerts: [] })} --events ${events}`)
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('It has no alerts') })
  })

  const other = file('other.yaml', {
    sources,
    rules: [
      { ...opening, source: 'repository' },
      { ...opening, name: 'b' },
    ],
  })
  it.each([
    ['without a file with rules', body, 'No file declares rules.'],
    ['for a file without rules', `${body} --events ${file('none.yaml', { sources })}`, 'The file has no rules.'],
    [
      'for an invalid file',
      `${body} --events ${file('bad.yaml', 'rules: [{ name: A }]')}`,
      'line 1: rules.0.name must',
    ],
    [
      'if several sources have rules',
      `${body} --events ${other}`,
      'Pass --source with one of them: repository, alerts',
    ],
    ['for an unknown source', `${body} --events ${events} --source alert`, 'There is no source alert. Sources: alerts'],
    [
      'for a body in another format than JSON',
      `${file('text.json', 'firing')} --events ${events}`,
      'text.json is not JSON.',
    ],
    ['for a body that is a list', `${file('list.json', [])} --events ${events}`, 'list.json is not a JSON object.'],
    ['for a missing header', `${body} --events ${events} --source repository`, 'The header x-github-event is missing'],
    ['for an invalid header', `${body} --events ${events} --header x-team`, 'Invalid header "x-team"'],
  ])('exits with 2 %s', async (_name, line, message) => {
    expect(await test(line)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })
})

describe('docs/alerts.md', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/alerts.md'), 'utf8')
  const blocks = (language: string) =>
    [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.+?)^\`\`\``, 'gms'))].map(([, text = '']) => text)
  const [example = '', ofProbes = '', group = ''] = blocks('yaml')

  it('shows the output for its example', async () => {
    const sent = {
      status: 'firing',
      fingerprint: 'c1b0c5a3ed96a96b',
      startsAt: '2026-11-30T10:00:00Z',
      labels: { alertname: 'DiskFull', instance: 'db-1', severity: 'critical' },
      annotations: { description: 'The disk of db-1 is full.' },
    }
    const firing = file('docs.json', { status: 'firing', alerts: [sent] })
    const [output] = blocks('text')
    expect(await test(`${firing} --events ${file('docs.yaml', example)}`)).toEqual({ code: 0, out: output, err: '' })
  })

  it('has a valid rule for another sender, and a valid group', async () => {
    const declared = 'sources: { probes: { type: http } }\nrules:\n'
    const rules = file('probes.yaml', `${declared}${ofProbes}${group}`)
    const down = file('down.json', {
      results: [{ host: 'db-1', since: '10:00', state: 'down', labels: { region: 'eu' } }],
    })
    const { code, out } = await test(`${down} --events ${rules}`)
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('input {"title":"db-1 is down"}') })
    expect(out).toContain('group eu: 5 calls in 1 h')
  })
})
