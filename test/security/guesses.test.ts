import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { PLATFORM_TOKEN, useLifecycle } from '../lifecycle/platform.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const START = 'start-run?connection=job'
const TEXTS = { hit: `Is it ${PLATFORM_TOKEN}?`, miss: 'Is it another-token?' }

afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

function deploy(rule: object): void {
  const file = join(folder, `${randomUUID()}.json`)
  const rules = [{ name: 'rule', when: { actions: ['testing/start-run'] }, ...rule }]
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

/** A caller of its own, which no other test has blocked. */
function addCaller(entry: object = {}) {
  const token = randomUUID()
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers')
  const caller = { tokens: [tokenHash(token)], categories: ['*'], ...entry }
  lifecycle.replace('callers', { ...Object(callers), [`guesser-${token}`]: caller })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return {
    send: (target: string, body: object) =>
      lifecycle.send('POST', target, { headers, body: JSON.stringify({ id: randomUUID(), ...body }) }),
  }
}

const input = { target: 'deploy' }
const accepted = { id: 'accepted', input }

/** A call that starts nothing, with a text that its caller chooses. */
interface Way {
  name: string
  target: string
  body?: object
  rule?: object
  /** The entry of the caller. */
  entry?: object
}

const ways: Way[] = [
  { name: 'a dry run', target: `${START}&dryRun=true` },
  { name: 'a skipped call', target: `${START}&when=pass`, body: { input, data: { result: 'fail' } } },
  { name: 'a call with an unknown field', target: START, body: { input: { ...input, bogus: 1 } } },
  { name: 'a call without a required field', target: START, body: { input: {} } },
  { name: 'a repeat of a silent call', target: START, body: accepted },
  { name: 'a repeat of an interactive call', target: `${START}&mode=interactive`, body: accepted },
  { name: 'a repeat of a silent call with a task', target: 'start-run?connection=attended', body: accepted },
  { name: 'a repeat of a gate', target: `${START}&mode=gate`, body: accepted },
  { name: 'a call that a rule denies', target: START, rule: { deny: 'No' } },
  { name: 'a call that needs an approval', target: START, rule: { approve: { connection: 'chat' } } },
  { name: 'a call in a freeze', target: START, rule: { freeze: [{ from: '2020-01-01', to: '2120-01-01' }] } },
  { name: 'a call of a caller that may write nothing', target: START, entry: { writes: 'deny' } },
  { name: 'a call to another connection', target: START, entry: { allowConnections: { testing: ['ticket'] } } },
  { name: 'a cancel by key', target: 'start-run/cancel?connection=job&mode=interactive', body: accepted },
]

describe('After three calls with a stored credential', () => {
  it.each(ways)(
    '$name has one answer, whether its guess is right or not',
    async ({ target, body = { input }, rule, entry }) => {
      const caller = addCaller(entry)
      if (body === accepted) expect((await caller.send(target.replace('/cancel', ''), body)).status).toBeLessThan(300)
      for (let guess = 0; guess < 3; guess++)
        expect((await caller.send('open-ticket?connection=ticket', { data: { text: TEXTS.hit } })).status).toBe(400)
      if (rule) deploy(rule)
      const effects = () => [platform.runs.length, lifecycle.invocations.length]
      const before = effects()
      const answers = await Promise.all(
        Object.values(TEXTS).map(async (text) => {
          const { status, body: problem } = await caller.send(target, { ...body, data: { text, ...Object(body).data } })
          return [status, problem.detail]
        }),
      )
      const refused = expect.stringContaining('so its calls that start nothing are refused until')
      expect(answers).toEqual(Array(2).fill([429, refused]))
      expect(effects()).toEqual(before)
    },
  )

  it('calls that start something run', async () => {
    const caller = addCaller()
    const guess = () => caller.send(START, { input, data: { text: TEXTS.hit } })
    for (let count = 0; count < 3; count++) expect((await guess()).status).toBe(400)
    expect((await caller.send(START, { input })).status).toBe(200)
    expect((await caller.send(`${START}&mode=interactive`, { input })).status).toBe(202)
    // A right guess starts nothing.
    expect((await guess()).status).toBe(429)
    expect(platform.runs).toHaveLength(1)
  })
})
