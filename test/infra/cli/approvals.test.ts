import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readRuntimeFile } from '../../../infra/local/runtime-file.ts'
import { Service, triggered } from '../../e2e/service.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const service = new Service()
let [asked, other] = ['', '']
beforeAll(async () => {
  await service.start()
  const ask = async (question: string, input: object) => {
    const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: { question, ...input } })
    return (await service.call('/v1/notification/ask-approval?mode=interactive', event)).body.taskId
  }
  asked = await ask('Release 2.4?', { approvers: 'jane, ben', requester: 'ben@example.com', notRequester: 'on' })
  other = await ask('Release 2.5?\n\nInput\n\n{"version": "2.5"}', { channel: '#releases' })
  await service.openIssue(triggered(), '?mode=interactive')
  await service.until(async () => (await service.list('messages')).length === 2, 'the messages that ask')
})
afterAll(() => service.end())

const local = (line: string) => webhooks(line, { env: { WEBHOOKS_STATE: service.state } })
const onStack = (line: string) => {
  const runtime = readRuntimeFile(service.state)?.aws
  if (!runtime) throw new Error('The runtime does not run.')
  const env = {
    AWS_ACCESS_KEY_ID: runtime.accessKeyId,
    AWS_SECRET_ACCESS_KEY: runtime.secretAccessKey,
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_LAMBDA: runtime.endpoint,
    AWS_ENDPOINT_URL_STS: aws.url,
  }
  return webhooks(`${line} --stack CloudAutomationWebhooks`, { env })
}

describe('webhooks approvals', () => {
  it.each([
    ['the local runtime', local],
    ['a stack', onStack],
  ])('lists the open approvals of %s, oldest first', async (_place, run) => {
    const { code, out } = await run('approvals --json')
    expect([code, JSON.parse(out)]).toMatchObject([
      0,
      [
        {
          taskId: asked,
          category: 'notification',
          connection: 'default',
          question: expect.stringContaining('Release 2.4?'),
          approvers: ['jane', 'ben'],
          excluded: ['ben@example.com'],
          count: 1,
          askedAt: expect.stringMatching(/Z$/),
          until: expect.stringMatching(/Z$/),
        },
        { taskId: other, channel: '#releases' },
      ],
    ])
    const table = (await run('approvals')).out.split('\n')
    expect(table[0]).toMatch(/^TASK +AGE +LEFT +CONNECTION +WHO +FOR +QUESTION$/)
    expect(table[1]).toMatch(
      new RegExp(
        `^notification/${asked.slice(0, 8)} +\\d+ (?:s|min) +6 d +default \\S+ +jane, ben, not ben@example.com +.*Release 2\\.4\\?$`,
      ),
    )
    expect(table[2]).toMatch(/everybody .*Release 2\.5\?$/)
    expect(table.slice(3)).toEqual([''])
    expect(out).toContain('{\\"version\\": \\"2.5\\"}')
  })

  it('lists only those that have waited long enough', async () => {
    const [{ askedAt }] = JSON.parse((await local('approvals --json')).out)
    await setTimeout(Math.max(0, Date.parse(askedAt) + 1_000 - Date.now()))
    expect(await local('approvals --older-than PT1S')).toMatchObject({ out: expect.stringContaining('Release 2.4?') })
    expect(await local('approvals --older-than PT1H')).toEqual({
      code: 0,
      out: 'No approval has waited for this time.\n',
      err: '',
    })
  })

  it('no longer lists an approval that was ended', async () => {
    await local(`tasks notification/${other} --cancel --follow`)
    const { out } = await local('approvals --json')
    expect(JSON.parse(out).map(({ taskId }: { taskId: string }) => taskId)).toEqual([asked])
  })

  it.each([
    ['--older-than 1h', 'It must be an ISO 8601 duration, such as PT1H.'],
    ['--url http://127.0.0.1:9', 'Cannot connect to'],
  ])('exits with 2 for %s', async (line, err) => {
    const result = await local(`approvals ${line}`)
    expect(result).toMatchObject({ code: 2, err: expect.stringMatching(new RegExp(err, 'i')) })
  })
})
