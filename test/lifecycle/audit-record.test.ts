import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { canonicalJson } from '../../shared/canonical-json.ts'
import { hmacHex } from '../../shared/hmac.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { withLogLines } from '../log-lines.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const OPEN = 'open-ticket?connection=ticket'
const input = { title: 'Checkout is slow' }
const ticket = () => ({ ...triggered(), input })
let files = 0

/** Deploys a policy. */
function deploy(rules: object[], more: object = {}): void {
  // A file of a new name, as each deployment has.
  const file = join(folder, `policy-${++files}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', ...more, rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

/** Returns the audit lines that are written during a function. */
async function audited(run: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const { lines } = await withLogLines(run)
  return lines.filter((line) => line.includes('"audit":')).map((line) => JSON.parse(line))
}

/** Returns the ids of the audit records that are written during a function. */
async function recordIds(run: () => Promise<unknown>): Promise<unknown[]> {
  return (await audited(run)).map(({ auditId }) => auditId).filter((id) => id !== null)
}

const FROZEN = { name: 'freeze', freeze: [{ from: '2020-01-01', to: '2999-12-31' }], otherwise: 'refuse' }

describe('The audit record of a task', () => {
  it('is written by its end, and has its id', async () => {
    let taskId = ''
    const lines = await audited(async () => {
      taskId = (await lifecycle.call(OPEN, ticket())).id
    })
    expect(lines).toMatchObject([
      { audit: 'call', outcome: 'accepted', auditId: null },
      { audit: 'task', outcome: 'pass', auditId: taskId },
    ])
  })

  it('has the same id if the finisher writes it', async () => {
    const payload = await lifecycle.accept(OPEN, ticket())
    const interruption = { checkpoint: 'start START', isRecorded: true, effect: 'end' } as const
    const { arn } = await lifecycle.run(payload, { interruption })
    expect(await audited(() => lifecycle.finish(arn))).toMatchObject([
      { auditId: payload.id, rules: [], decisions: [] },
    ])
  })

  it('has the rules that matched when the call was accepted, also in log-only mode', async () => {
    deploy([{ name: 'office hours', only: {}, otherwise: 'wait' }, FROZEN], { enforce: false })
    const payload = await lifecycle.accept(OPEN, ticket())
    deploy([{ name: 'other', only: {}, otherwise: 'wait' }])
    const rules = ['office hours', 'freeze']
    expect(await audited(() => lifecycle.run(payload))).toMatchObject([{ audit: 'task', rules }])
  })

  it.each(['refuse', 'wait'])('has a rule that allows the call, with otherwise: %s', async (otherwise) => {
    deploy([{ name: 'always', only: {}, otherwise }])
    const rules = ['always']
    expect(await audited(() => lifecycle.call(OPEN, ticket()))).toMatchObject([{ rules }, { audit: 'task', rules }])
  })

  it('that runs again has the rules of that time', async () => {
    deploy([{ name: 'first', only: {}, otherwise: 'wait' }])
    platform.failNext(400, {}, { on: 'POST' })
    const { id, outcome } = await lifecycle.call(OPEN, ticket())
    expect(outcome?.status).toBe('errored')
    deploy([{ name: 'second', when: { actions: ['other/*'] }, only: {}, otherwise: 'wait' }])
    const lines = await audited(async () => lifecycle.run(lifecycle.accepted(await lifecycle.command('rerun', id))))
    expect(lines).toMatchObject([
      { audit: 'rerun', rules: [], taskId: id, auditId: null },
      { audit: 'task', rules: [], outcome: 'pass' },
    ])
  })

  it('of an action that is skipped is missing', async () => {
    const { data } = triggered()
    const skipped = { ...ticket(), data: { ...data, result: 'fail' } }
    expect(await recordIds(() => lifecycle.call(`${OPEN}&when=pass`, skipped))).toEqual([])
  })
})

describe('The audit record of a silent call', () => {
  it('has the same id in the line of a repeat that gets the recorded response', async () => {
    const event = ticket()
    const [first, repeat] = await recordIds(async () => {
      for (let n = 0; n < 2; n++) await lifecycle.post(OPEN, event)
    })
    expect([first, repeat]).toEqual([expect.any(String), first])
    expect(platform.tickets).toHaveLength(1)
  })

  it('is another one for a run after a failure, and for each call without an id', async () => {
    const event = ticket()
    platform.failNext(400, {}, { on: 'POST' })
    const ids = await recordIds(async () => {
      for (let n = 0; n < 2; n++) await lifecycle.post(OPEN, event)
      for (let n = 0; n < 2; n++) await lifecycle.post(OPEN, { ...event, id: undefined })
    })
    expect([ids.length, new Set(ids).size]).toEqual([4, 4])
  })

  it('identifies the input with a key', async () => {
    const [line] = await audited(() => lifecycle.post(OPEN, ticket()))
    const { key } = lifecycle.secrets.get('cloud-automation-webhooks/identity') as { key: string }
    const digests = [{ title: 'Checkout is slow' }, { title: 'Checkout is down' }].map((completed) =>
      hmacHex(key, `input ${canonicalJson(completed)}`),
    )
    expect(line?.['inputDigest']).toBe(digests[0])
    const [other] = await audited(() => lifecycle.post(OPEN, { ...triggered(), input: { title: 'Checkout is down' } }))
    expect(other?.['inputDigest']).toBe(digests[1])
  })

  it('without an id is written without a digest if its key cannot be read', async () => {
    const identity = lifecycle.secrets.get('cloud-automation-webhooks/identity')
    lifecycle.replace('identity', {})
    const lines = await audited(() => lifecycle.post(OPEN, { ...ticket(), id: undefined }))
    lifecycle.replace('identity', identity)
    expect(lines).toMatchObject([{ outcome: 'pass', auditId: expect.any(String), inputDigest: null }])
  })
})

describe('The audit record of a refused call', () => {
  it.each(['silent', 'interactive', 'gate'])('has the same id for a %s repeat, and its rule', async (mode) => {
    deploy([FROZEN])
    const event = ticket()
    const lines = await audited(async () => {
      for (let n = 0; n < 2; n++) await lifecycle.request('POST', 'open-ticket', gateOrCall(mode, event))
    })
    const refused = { audit: 'call', outcome: 'rejected', kind: 'closed', rules: ['freeze'], connection: 'ticket' }
    expect(lines).toMatchObject([refused, refused])
    expect(lines[0]?.['auditId']).toMatch(/^[\da-f]{40}-closed$/)
    expect(lines[1]?.['auditId']).toBe(lines[0]?.['auditId'])
  })

  it('differs from the record of the same call when it is accepted', async () => {
    deploy([FROZEN])
    const event = ticket()
    const ids = await recordIds(async () => {
      await lifecycle.post(`${OPEN}&mode=interactive`, event)
      deploy([])
      await lifecycle.call(OPEN, event)
    })
    expect([ids.length, new Set(ids).size]).toEqual([2, 2])
  })

  it('is written for a caller without the right, and for a task that the policy does not run again', async () => {
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    platform.failNext(400, {}, { on: 'POST' })
    const { id } = await lifecycle.call(OPEN, ticket())
    const lines = await audited(async () => {
      deploy([{ name: 'nothing', deny: 'No' }])
      await lifecycle.command('rerun', id)
      lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], categories: ['other'] } })
      await lifecycle.post(OPEN, ticket())
    })
    lifecycle.replace('callers', callers)
    expect(lines).toMatchObject([
      { audit: 'rerun', kind: 'forbidden', auditId: expect.stringMatching(/-forbidden$/), rules: ['nothing'] },
      { audit: 'call', kind: 'forbidden', auditId: expect.stringMatching(/-forbidden$/) },
    ])
  })

  it('is missing for an invalid call, and for one that was not authenticated', async () => {
    const ids = await recordIds(async () => {
      await lifecycle.post(OPEN, { ...triggered(), input: { titel: 'x' } })
      await lifecycle.request('POST', 'open-ticket', { body: '{}' })
    })
    expect(ids).toEqual([])
  })
})

function gateOrCall(mode: string, event: object) {
  const query = { connection: ['ticket'], mode: [mode], ...(mode === 'gate' ? { key: ['release-7'] } : {}) }
  const headers = { ...lifecycle.authorization('keptn'), 'content-type': 'application/json' }
  return { headers, body: JSON.stringify(event), multiValueQueryStringParameters: query }
}
