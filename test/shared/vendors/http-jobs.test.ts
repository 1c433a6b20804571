import { describe, expect, test } from '@jest/globals'
import { http as experiment } from '../../../functions/chaos-testing/http/http.ts'
import { rollbackJob, startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { jobConformance } from '../../conformance/job.ts'
import type { JobPlatform } from '../../conformance/job-platform.ts'
import { expectFailure, failureOf, keyOf } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'
import { type AnyApi, startAnyApi } from '../../platforms/any-api.ts'
import { common, jobs, refusal } from './http-connections.ts'

const actions = { start: startJob({ summary: 'Starts', silent: 'answers' }), stop: stopJob({ summary: 'Stops' }) }
const run = { target: 'nightly', parameters: { size: 3 } }
const platform: JobPlatform<AnyApi> = {
  ownTimes: 'a connection does not say where they are',
  stops: 'succeeded',
  starts: /^POST \/things$/,
  async start() {
    const server = await startAnyApi()
    const { things } = server
    const enter = (state: string) => Object.assign(things.at(-1) ?? {}, { state })
    return {
      server,
      connection: { ...common(server), ...jobs },
      input: run,
      enter,
      runs: () => things.length,
      id: () => String(things.at(-1)?.id),
      letStart: () => undefined,
      end: () => enter('done'),
      finishStop: () => things.at(-1)?.['state'] === 'done',
    }
  },
}
const change = (fields: object) => (server: AnyApi) => Object.assign(server.things[0] ?? {}, fields)
describe('HTTP API: jobs', () => {
  const header = { find: undefined, idempotencyHeader: 'Idempotency-Key' }
  const { server, connected } = jobConformance(httpJob, actions, platform, {
    states: { running: ['new'], pass: ['done'], fail: ['broken'] },
    unknownStates: ['napping'],
    url: 'https://tool.example.com/things/1',
    sends: [
      { name: 'the body of the connection', request: { body: { title: 'nightly', args: { size: 3 }, ref: keyOf(1) } } },
    ],
    reports: [
      { name: 'its step', change: change({ step: '2 of 3' }), reported: { status: 'new', progress: '2 of 3' } },
      {
        name: 'why it failed',
        change: change({ state: 'broken', why: 'no disk' }),
        reported: { message: expect.stringContaining('no disk') },
      },
    ],
    found: [{ name: 'if the connection has an idempotency header', change: () => {}, connection: header }],
    measures: { end: change({ state: 'done', output: { p95: 7 } }), metrics: { p95: 7 } },
    check: ['GET /me'],
    refusal,
  })

  test('that have ended report no step', async () => {
    const { outcome } = await connected().start(run)
    change({ state: 'done' })(server)
    const { message } = await connected().end({ type: 'started', outcome, job: { id: '1' } }, run)
    expect(message).toBe('Run 1 ended as done')
  })

  test('are named in notifications by their id, or by what the connection says', async () => {
    expect(await connected().start(run)).toMatchObject({ job: { id: '1' }, wakeId: '1' })
    const withId = connected({ wake: { id: "join('-', ['build', to_string(response.id)])" } })
    expect(await withId.start(run)).toMatchObject({ job: { id: '1' }, wakeId: 'build-1' })
  })

  test('roll back with the request of the connection, which a repeat does not send again', async () => {
    const rollback = { path: 'things', body: '{title: input.target, back: input.ref, ref: key}', at: 'response.result' }
    const back = new Job(httpJob, { start: rollbackJob({ summary: 'Goes back' }), stop: actions.stop }, () => ({
      ...common(server),
      ...jobs,
      rollback,
    }))
    server.loseNext('POST')
    await failureOf(back.start({ target: 'shop', ref: '7' }))
    const started = await back.start({ target: 'shop', ref: '7' }, { isRetry: true })
    expect(server.things).toMatchObject([{ title: 'shop', back: '7', ref: keyOf(1) }])
    change({ state: 'done' })(server)
    expect(await back.end(started, { target: 'shop' })).toMatchObject({ message: 'Rollback 1 ended as done' })
  })

  test('roll back only if the connection has "rollback"', async () => {
    const values = () => ({ ...common(server), ...jobs })
    const back = new Job(httpJob, { start: rollbackJob({ summary: 'Goes back' }), stop: actions.stop }, values)
    await expectFailure(back.start({ target: 'shop' }), 'invalid', 'The connection has no "rollback"')
  })

  test('are stopped only if the connection has "stop"', async () => {
    const without = connected({ stop: undefined }).client()
    await expectFailure(httpJob.stop(without, { id: '1' }), 'misconfigured')
    const check = () => httpJob.checkStart({ ...run, onDeadline: 'stop' }, without.connection)
    expect(check).toThrow('must be leave, because the connection has no "stop"')
  })

  test('are read and stopped below the target and project of their start', async () => {
    const path = '{input.project}/{input.target}/{input.id}'
    const more = { look: { path }, stop: { path: `${path}/stop` } }
    const started = await connected(more).start({ ...run, project: 'shop' })
    await failureOf(connected(more).poll(structuredClone(started), run))
    await failureOf(connected(more).stopAtDeadline(started, run))
    // The action that stops a run by its id knows only the defaults.
    await failureOf(connected({ ...more, target: 'weekly' }).stop({ id: '9', project: 'shop' }))
    // After a stop that is refused, the state is read: the run may have ended.
    const expected = ['/shop/nightly/1', '/shop/nightly/1/stop', '/shop/nightly/1', '/shop/weekly/9']
    expect(server.calls.slice(-4).map((call) => call.path)).toEqual(expected)
  })

  test('of chaos tests run only the allowed targets', () => {
    const connection = experiment.connection.parse({ ...common(), ...jobs, allow: 'nightly*' })
    const check = (target: string) => () => experiment.checkStart({ ...run, target }, connection)
    expect(check('everything')).toThrow('outside the blast radius')
    expect(check('nightly-2')).not.toThrow()
    expect(() => experiment.connection.parse({ ...common(), ...jobs })).toThrow()
  })
})
