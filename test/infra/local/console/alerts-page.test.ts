import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { formatEvent } from '../../../../infra/local/format-event.ts'
import type { RuntimeEvent } from '../../../../infra/local/runtime-event.ts'
import { Service } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { itInBrowser, launchBrowser, violations } from './chromium.ts'

const prefix = 'cloud-automation-webhooks'
const TOKEN = 'token-of-the-alert-sender'
const eventsFile = join(temporaryFolder(), 'events.yaml')
const text = `sources:
  alerts: { type: alertmanager }
  limited: { type: alertmanager }
  builds: { type: http }
rules:
  - name: open
    source: alerts
    call: issue-ticketing/open-issue
    input: "{title: labels.alertname, description: annotations.text}"
  - name: close
    source: alerts
    call: issue-ticketing/close-issue
    input: "{comment: 'Ended'}"
    closes: open
  - name: critical
    source: alerts
    on: labels.severity == 'critical'
    call: issue-ticketing/open-issue
    connection: ops
    input: "{title: length(labels.number)}"
  - name: limited
    source: limited
    each: alerts
    call: issue-ticketing/open-issue
    input: "{title: labels.alertname}"
    group: { by: labels.region, max: 1, per: PT1H, input: "{title: group}" }
`
writeFileSync(eventsFile, text)

const service = new Service({
  eventsFile,
  timeScale: 30,
  secrets: {
    [`${prefix}/sources/alerts`]: { token: TOKEN },
    [`${prefix}/sources/limited`]: { token: TOKEN, allow: ['issue-ticketing/close-issue'] },
    [`${prefix}/sources/builds`]: { token: TOKEN },
  },
})
// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
type Json = any
const read = async (path = ''): Promise<Json> =>
  (await service.call(`/console/alerts${path}`, undefined, { method: 'GET' })).body
const tryRules = async (changes: object): Promise<Json> =>
  (await service.call('/console/alerts', { source: 'alerts', headers: {}, events: text, ...changes })).body

const alert = (name: string, fields: { status?: string; labels?: object; text?: string } = {}) => ({
  status: fields.status ?? 'firing',
  fingerprint: name,
  startsAt: '2026-11-30T10:00:00Z',
  labels: { alertname: name, region: 'eu', ...fields.labels },
  annotations: { text: fields.text ?? 'Full' },
})
const bodyOf = (...alerts: { status: string }[]) => ({ status: alerts[0]?.status ?? 'firing', alerts })

function send(body: unknown, source = 'alerts', options: { token?: string; headers?: Record<string, string> } = {}) {
  return service.call(`/v1/events/${source}`, body, { token: TOKEN, ...options })
}
/** Returns the newest notification with the effects of the rules. */
async function newest(source = 'alerts') {
  const [notification] = (await read(`?source=${source}`)).notifications
  return read(`/${notification.id}`)
}
const issues = async (title: string) => (await service.issues()).filter((issue) => issue.title === title)

beforeAll(() => service.start())
afterAll(() => service.end())

describe('the page with the alerts', () => {
  it('shows each rule with its call, and the sources', async () => {
    const { rules, sources, text: shown } = await read()
    expect(shown).toBe(text)
    expect(sources.map(({ name, type }: Json) => [name, type])).toEqual([
      ['alerts', 'alertmanager'],
      ['limited', 'alertmanager'],
      ['builds', 'http'],
    ])
    expect(rules).toMatchObject([
      {
        name: 'open',
        source: 'alerts',
        call: 'issue-ticketing/open-issue',
        connection: 'default',
      },
      { name: 'close', closes: 'open' },
      { name: 'critical', on: "labels.severity == 'critical'", connection: 'ops' },
      {
        name: 'limited',
        each: 'alerts',
        limit: 'At most 1 in 1 h for the same labels.region, and one for all others',
      },
    ])
  })

  it('links each call to its task, for a repeated notification, too, and for the end of the alert', async () => {
    await send(bodyOf(alert('DiskFull')))
    await service.until(async () => (await newest()).tried.results[0].result.task !== '', 'the task')
    const first = await newest()
    expect(first).toMatchObject({
      source: 'alerts',
      headers: { authorization: 'Bearer ***', 'content-type': 'application/json' },
      tried: {
        problem: '',
        event: 'firing',
        results: [
          {
            rule: 'open',
            alert: 0,
            state: 'firing',
            key: 'DiskFull',
            call: { action: 'issue-ticketing/open-issue', input: { title: 'DiskFull', description: 'Full' } },
            reason: '',
            isProblem: false,
          },
          { rule: 'close', reason: 'The alert is firing, not resolved.' },
          { rule: 'critical', reason: '"on" is false, not true.' },
        ],
      },
    })
    const { task } = first.tried.results[0].result
    expect((await service.tasks()).map(({ name }) => name)).toContain(task)
    await service.until(async () => (await issues('DiskFull')).length === 1, 'the issue')
    await send(bodyOf(alert('DiskFull', { text: 'Fuller' })))
    expect((await newest()).tried.results[0].result.task).toBe(task)
    await send(bodyOf(alert('DiskFull', { status: 'resolved' })))
    const closed = async () => (await newest()).tried.results[0]
    await service.until(async () => (await closed()).result.task !== '', 'the end')
    expect(await closed()).toMatchObject({ rule: 'close', state: 'resolved', call: { closes: 'open' } })
    expect((await closed()).result.task).not.toBe(task)
  })

  it('says why a rule cannot be evaluated, in the list, too', async () => {
    await send(bodyOf(alert('Cpu', { labels: { severity: 'critical', number: 7 } })))
    const { notifications } = await read()
    expect(notifications[0]).toMatchObject({
      source: 'alerts',
      event: 'firing',
      effect: '1 call, 1 problem',
      hasProblem: true,
    })
    expect((await read()).log[0]).toMatchObject({
      source: 'alerts',
      text: expect.stringMatching(/^critical has a problem: rules\.2\.input cannot be evaluated: /),
      isProblem: true,
    })
    expect((await newest()).tried.results[0]).toMatchObject({
      rule: 'critical',
      isProblem: true,
      reason: expect.stringMatching(/^rules\.2\.input cannot be evaluated: Invalid argument type/),
    })
  })

  it('says why there is no task', async () => {
    await send(bodyOf(alert('Refused'), alert('Grouped')), 'limited')
    const notes = async () => (await newest('limited')).tried.results.map(({ result }: Json) => result.note)
    const expected = ['Refused: the alert is with the dead letters', 'Counted in the call of its group']
    await service.until(async () => expected.join() === (await notes()).sort().reverse().join(), 'the refusal')
    const hasLine = ({ text }: Json) => text === 'limited makes no call: in a group'
    await service.until(async () => (await read('?source=limited')).log.some(hasLine), 'the line about the group')
    const { queue, log } = await read('?source=limited')
    expect(queue).toMatchObject({ deadLetters: 1 })
    expect(log).toContainEqual({
      at: expect.any(Number),
      source: 'limited',
      text: expect.stringMatching(/^Refused: limited: The caller source-limited/),
      isProblem: true,
    })
    expect(log).toContainEqual(expect.objectContaining({ text: 'limited makes no call: in a group', isProblem: false }))
    // In the terminal, too.
    const printed = service.output.split('\n').flatMap((line) => {
      const event: RuntimeEvent | undefined = line.startsWith('{"from"') ? JSON.parse(line) : undefined
      return event ? (formatEvent(event) ?? []) : []
    })
    expect(printed).toContainEqual(expect.stringMatching(/ alert of limited \(Refused: limited: /))
    await send(bodyOf(alert('Never', { status: 'resolved' })))
    await service.until(async () => /^Not called: /.test((await newest()).tried.results[0].result.note), 'the end')
  })

  it('has an effect for a body without alerts, and none for a large one', async () => {
    await send({ id: 7, status: 'done' }, 'builds')
    expect((await newest('builds')).tried).toEqual({ problem: '', event: 'notification', results: [], more: 0 })
    const many = Array.from({ length: 600 }, (_, index) => alert(`Many${index}`, { text: 'x'.repeat(200) }))
    await send(bodyOf(...many), 'limited')
    expect((await read('?source=limited')).notifications[0]).toMatchObject({ effect: '', hasProblem: false })
    const { results, more } = (await newest('limited')).tried
    expect([results.length, more]).toEqual([50, 550])
  })
})

describe('the stored notifications', () => {
  it('are the last hundred of each source', async () => {
    for (let number = 0; number < 102; number++) await send({ number }, 'builds')
    const { sources, notifications } = await read('?source=builds')
    expect(sources.find(({ name }: Json) => name === 'builds').stored).toBe(100)
    expect(notifications.length).toBe(50)
    const last = await newest('builds')
    expect(JSON.parse(last.body)).toEqual({ number: 101 })
    expect((await read(`/${last.id - 99}`)).body).toBe('{"number":2}')
    expect(await read(`/${last.id - 100}`)).toEqual({ message: 'This notification is no longer stored.' })
  })

  it('contain no credential of the sender, and no secret', async () => {
    const headers = { 'x-token': 'another-credential', 'x-team': 'checkout' }
    await send({ token: TOKEN, echo: 'another-credential' }, 'builds', { headers })
    const { headers: stored, body } = await newest('builds')
    expect(stored).toMatchObject({ authorization: 'Bearer ***', 'x-token': '***', 'x-team': 'checkout' })
    expect(JSON.parse(body)).toEqual({ token: '***', echo: '***' })
  })

  it('are verified: another body is in no file', async () => {
    const marker = 'a-body-that-was-not-verified'
    expect(await send({ marker }, 'alerts', { token: 'another-token-of-the-sender' })).toMatchObject({ status: 401 })
    expect(await send(`not JSON ${marker}`)).toMatchObject({ status: 400 })
    const files = readdirSync(service.state, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
    const stored = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(marker))
    expect(stored.map(({ name }) => name)).toEqual([])
    // The search finds what is stored, which happens after the response.
    await send({ marker }, 'builds')
    const databases = ['notifications.db', 'notifications.db-wal'].map((name) => join(service.state, name))
    await service.until(() => databases.some((file) => readFileSync(file).includes(marker)), 'the stored body')
  })

  it('survive a restart', async () => {
    const { sources } = await read()
    await service.kill()
    await service.start()
    expect((await read()).sources).toEqual(sources)
  })
})

describe('trying rules', () => {
  const body = JSON.stringify(bodyOf(alert('Tried')))

  it('evaluates them on a body without a call', async () => {
    const before = (await service.tasks()).length
    expect(await tryRules({ body })).toMatchObject({
      problem: '',
      event: 'firing',
      results: [{ rule: 'open', call: { input: { title: 'Tried' } } }, { rule: 'close' }, { rule: 'critical' }],
    })
    expect((await service.tasks()).length).toBe(before)
  })

  it('evaluates changed rules', async () => {
    const events = text.replace('labels.alertname,', "join(' in ', [labels.alertname, labels.region]),")
    expect((await tryRules({ body, events })).results[0].call.input.title).toBe('Tried in eu')
  })

  it.each([
    [
      'a line of an invalid file',
      { events: text.replace('open-issue', 'open-isue') },
      /line 8: rules\.0\.call is not an action/,
    ],
    ['a file that is not YAML', { events: 'rules: [' }, /^events\.yaml is not valid:/],
    [
      'a source that is not declared',
      { source: 'alert' },
      /^There is no source alert\. Sources: alerts, limited, builds/,
    ],
    ['a body that is not JSON', { body: '{' }, /^The body is not a JSON object\.$/],
    ['a body of another sender', { body: '{"status": {}}' }, /body\.status/],
  ])('reports %s', async (_name, changes, problem) => {
    expect(await tryRules({ body, ...changes })).toMatchObject({ problem: expect.stringMatching(problem), results: [] })
  })

  it('refuses an incomplete request', async () => {
    expect(await service.call('/console/alerts', { source: 'alerts' })).toMatchObject({ status: 400 })
  })
})

itInBrowser('the page with the alerts is accessible, fits a phone, and tries a changed rule', async () => {
  const browser = await launchBrowser()
  try {
    const page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(`${service.url}/#/alerts?source=alerts`)
    const [, , , listed] = (await read('?source=alerts')).notifications
    await page.locator(`a[href*="/alerts/${listed.id}"]`).click()
    await page.getByRole('link', { name: 'Open the call' }).waitFor()
    const events = page.getByLabel('events.yaml')
    await events.fill((await events.inputValue()).replaceAll('{title: labels', '{titel: labels'))
    await page.getByRole('button', { name: 'Try' }).click()
    await page.locator('.tried').getByText('rules.0.input: The input of issue-ticketing/open-issue').waitFor()
    expect(await violations(page)).toEqual([])
    await page.setViewportSize({ width: 320, height: 640 })
    const isNarrow = () => page.evaluate<boolean>('document.documentElement.scrollWidth === 320')
    await service.until(isNarrow, 'the narrow layout', 10)
    expect(await violations(page)).toEqual([])
  } finally {
    await browser.close()
  }
})
