import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/keptn/event-log.ts'
import { playSequence } from '../../infra/keptn/player.ts'
import { loadSequence, loadSequenceFolder } from '../../infra/keptn/sequence-files.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import type { MessageSummary } from '../../infra/platforms/slack/responses.ts'
import { Service } from './service.ts'

const root = join(import.meta.dirname, '../..')
let service: Service
/** The release sequence from its second stage, which starts with the approval. */
let production: string
beforeAll(async () => {
  production = mkdtempSync(join(tmpdir(), 'release-'))
  cpSync(join(root, 'examples/keptn-release'), production, { recursive: true })
  const event = readFileSync(join(production, 'event.json'), 'utf8')
  writeFileSync(join(production, 'event.json'), event.replaceAll('staging', 'production'))
  service = await new Service({ timeScale: 4 }).start()
})
afterAll(async () => {
  await service.end()
  rmSync(production, { recursive: true })
})

const list = async (name: string) => (await service.call(`/sandbox/${name}`, undefined, { method: 'GET' })).body
const messages = (): Promise<MessageSummary[]> => list('messages')
const deployments = async () =>
  ((await list('runs')) as { inputs: { stage: string } }[]).filter(({ inputs }) => inputs.stage === 'production').length

/** Presses a button on the page of the chat. */
async function press({ ts }: MessageSummary, action: string, user: string): Promise<void> {
  const body = new URLSearchParams({ ts, action, user })
  const { status } = await fetch(`${service.url}/sandbox/slack/click`, { method: 'POST', body, redirect: 'manual' })
  expect(status).toBe(303)
}

function play(files: Parameters<typeof playSequence>[0]['files']) {
  const asked = Promise.withResolvers<MessageSummary>()
  const ended = playSequence({
    ...(files ? { files } : {}),
    url: service.url,
    token: demo.callerToken,
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
    async onAccepted({ taskId, statusUrl }) {
      if (statusUrl.includes('/notification/')) asked.resolve(await questionOf(taskId))
    },
  })
  return { asked: asked.promise, ended }
}

async function questionOf(taskId: string): Promise<MessageSummary> {
  const find = async () => (await messages()).find(({ metadata }) => metadata?.event_payload['key'] === taskId)
  await service.until(async () => (await find()) !== undefined, 'the question')
  return (await find()) as MessageSummary
}

/** Returns the decision about the approval of a run. */
async function approvalOf(context: string) {
  const events = (await service.events()).filter(({ shkeptncontext }) => shkeptncontext === context)
  const of = (kind: string) => events.filter(({ type }) => type === `sh.keptn.event.approval.${kind}`)
  return { started: of('started').length, finished: of('finished').map(({ data }) => data) }
}

/** Runs the CLI without a terminal and passes its output to `meanwhile` once. */
function sequence(args: string[], text = '', meanwhile: () => void = () => {}): Promise<{ code: number; out: string }> {
  const main = join(root, 'infra/cli/main.ts')
  const child = spawn(process.execPath, ['--no-warnings', main, 'sequence', '--url', service.url, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    const before = out.includes(text)
    out += chunk
    if (!before && out.includes(text)) meanwhile()
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, out })))
}

describe('The approval of the release sequence', () => {
  it('waits for a click in the chat, continues once approved, and is closed then', async () => {
    const { asked, ended } = play(loadSequenceFolder(production))
    const question = await asked
    expect(question).toMatchObject({
      channel: 'releases',
      buttons: [{ action: 'approve' }, { action: 'reject' }],
      text: expect.stringContaining('Release casdemoapp to production?'),
    })
    await press(question, 'approve', 'jane')
    const { passed, tasks, context } = await ended
    expect([passed, tasks.map(({ name }) => name)]).toEqual([true, ['approval', 'deployment', 'evaluation']])
    expect(await approvalOf(context)).toEqual({
      started: 1,
      finished: [
        expect.objectContaining({
          ...{ status: 'succeeded', result: 'pass', message: 'Approved by Jane Doe (U0JANE)' },
          approval: expect.objectContaining({ decision: 'approved', by: 'Jane Doe (U0JANE)' }),
        }),
      ],
    })
    const locked = (await messages()).find(({ ts }) => ts === question.ts)
    expect(locked).toMatchObject({ edited: true, buttons: [], text: expect.stringContaining('Approved by Jane Doe') })
  })

  it('ends the sequence without a deployment if it is rejected', async () => {
    const before = await deployments()
    const { asked, ended } = play(loadSequenceFolder(production))
    await press(await asked, 'reject', 'jane')
    const { passed, tasks, context } = await ended
    expect([passed, tasks.map(({ name }) => name)]).toEqual([false, ['approval']])
    expect((await approvalOf(context)).finished).toMatchObject([{ status: 'succeeded', result: 'fail' }])
    expect(await deployments()).toBe(before)
  })

  it('is not decided by an unauthorized person', async () => {
    const { asked, ended } = play(loadSequenceFolder(production))
    const question = await asked
    await press(question, 'approve', 'ben')
    expect((await messages()).at(-1)).toMatchObject({
      ephemeral: 'ben',
      text: 'Only jane@example.com may decide this. Nothing was changed.',
    })
    await press(question, 'approve', 'jane')
    const { passed, context } = await ended
    expect(passed).toBe(true)
    expect((await approvalOf(context)).finished).toHaveLength(1)
  })
})

describe('webhooks sequence release', () => {
  it('approves by itself without a terminal, and says so', async () => {
    const { code, out } = await sequence(['release'])
    expect(out).toContain(`clicks Approve at ${service.url}/sandbox/slack as jane, because there is no terminal`)
    expect(out).toContain('approval.finished  succeeded/pass  Approved by Jane Doe (U0JANE)')
    const ends = [...out.matchAll(/ ([a-z]+)\.finished {2}succeeded\/pass .*\((.+)\)$/gm)]
    expect(ends.map(([, task, by]) => `${task} ${by?.split('/')[1]}`)).toEqual([
      'deployment ci-cd',
      'test load-testing',
      'evaluation slo',
      'approval notification',
      'deployment ci-cd',
      'evaluation slo',
    ])
    expect(out).toMatch(/test\.finished +succeeded\/pass +Load test [0-9a-f]+ ended as finished/)
    const image = 'registry.example.com/casdemoapp:1.4.2'
    const runs = (await list('runs')) as { inputs: { stage: string; image: string } }[]
    for (const stage of ['staging', 'production'])
      expect(runs.slice(-2).map(({ inputs }) => inputs)).toContainEqual(expect.objectContaining({ stage, image }))
    expect({ code, end: out.slice(-200) }).toEqual({ code: 0, end: expect.stringContaining('release passed') })
  })

  it('says where to click and waits if it must not approve', async () => {
    const waits = `waits for a click at ${service.url}/sandbox/slack`
    const { code, out } = await sequence(['--file', production, '--no-approve'], waits, async () => {
      await press((await messages()).findLast(({ buttons }) => buttons.length > 0) as MessageSummary, 'reject', 'jane')
    })
    expect(out).toContain('approval.finished  succeeded/fail  Rejected by Jane Doe (U0JANE)')
    expect(out).not.toContain('clicks Approve')
    expect(code).toBe(1)
  })
})

it('The incident sequence sends a message with a link to the ticket', async () => {
  const { passed, context } = await play(loadSequence('incident')).ended
  expect(passed).toBe(true)
  expect(await service.endedBy(context)).toEqual([
    'openticket incident-management',
    'toggleflag feature-flags',
    'evaluation slo',
    'notify webhook-service',
  ])
  const [ticket] = (await list('incidents')) as { url: string }[]
  expect((await messages()).at(-1)).toMatchObject({
    channel: 'releases',
    buttons: [],
    blocks: [
      expect.stringContaining('Problem open: It\'s "slow" & <down>'),
      expect.stringContaining('State: open'),
      expect.stringContaining(`Ticket (${ticket?.url})`),
    ],
  })
})
