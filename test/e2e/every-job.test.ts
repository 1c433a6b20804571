import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type DatabricksServer, startDatabricks } from '../../infra/platforms/databricks/server.ts'
import { awsOperation, type Call, requestLine } from '../../infra/platforms/loopback-server.ts'
import { chaosPlatforms } from '../conformance/job-platforms/chaos-testing.ts'
import { optimizationPlatforms } from '../conformance/job-platforms/optimization.ts'
import type { JobPlatform, PlayedJobs } from '../conformance/job-platforms/platform.ts'
import { remediationPlatforms } from '../conformance/job-platforms/remediation.ts'
import { type Answer, awsCredentials, Service, triggered, until } from './service.ts'

const prefix = 'cloud-automation-webhooks/connections'
// The servers that play AWS accept only this access key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId

type CategoryName = 'chaos-testing' | 'optimization' | 'remediation'
const jobPlatforms: Record<string, JobPlatform & { category: CategoryName }> = {
  ...withCategory('chaos-testing', chaosPlatforms),
  ...withCategory('optimization', optimizationPlatforms),
  ...withCategory('remediation', { awx: remediationPlatforms.awx, stackstorm: remediationPlatforms.stackstorm }),
}
const names = Object.keys(jobPlatforms)
const actions = {
  'chaos-testing': { start: 'start-test', stop: 'stop-test' },
  optimization: { start: 'start-model', stop: 'stop-model' },
  remediation: { start: 'run-runbook', stop: 'stop-runbook' },
}
const interactive = '&mode=interactive&sendStarted=true'

let played: Record<string, PlayedJobs>
/** For very many runs at once. */
let busy: DatabricksServer
let service: Service
beforeAll(async () => {
  const all = Object.entries(jobPlatforms).map(async ([name, platform]) => [name, await platform.start()] as const)
  played = Object.fromEntries(await Promise.all(all))
  busy = await startDatabricks()
  const secrets = {
    ...connections(played),
    [`${prefix}/optimization/busy`]: { provider: 'databricks', baseUrl: busy.url, token: busy.token },
  }
  service = await new Service({ timeScale: 60, secrets }).start()
})
afterAll(async () => {
  await service.end()
  await Promise.all([busy, ...Object.values(played).map(({ server }) => server)].map((server) => server.close()))
})

function connections(of: Record<string, PlayedJobs>) {
  return Object.fromEntries(
    Object.entries(of).map(([name, { connection }]) => {
      return [`${prefix}/${jobPlatforms[name]?.category}/${name}`, { provider: name, ...connection }]
    }),
  )
}

/** A start on a platform, and its task. */
class Job {
  readonly name: string
  readonly kind: (typeof jobPlatforms)[string]
  readonly at: PlayedJobs
  readonly event: ReturnType<typeof triggered>
  readonly #before: number
  answers: Answer[] = []
  /** The input of stop. */
  id = ''
  stopped: Answer | undefined
  /** How many runs this start has become, and what was sent for it. */
  runs = 0
  started = 0
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
  finished: any[] = []

  constructor(name: string) {
    const [kind, at] = [jobPlatforms[name], played[name]]
    if (!kind || !at) throw new Error(`There is no platform ${name}`)
    this.name = name
    this.kind = kind
    this.at = at
    this.event = triggered({ type: 'sh.keptn.event.job.triggered', input: at.input })
    this.#before = at.runs()
  }

  async start({ query = '', times = 1 } = {}): Promise<void> {
    const { start } = actions[this.kind.category]
    const deliver = () => this.#call(start, this.event, `${interactive}${query}`)
    this.answers = await Promise.all(Array.from({ length: times }, deliver))
    for (const answer of this.answers) expect(answer).toMatchObject({ status: 202 })
  }

  /** Starts, and the platform carries that out; its answer is lost on the way, or never comes. */
  async startWithFault(how: 'lost' | 'held'): Promise<void> {
    const { server } = this.at
    const isStart = (call: Call) => this.kind.starts.test(requestLine(call))
    if (how === 'lost') server.loseNext(isStart)
    else server.holdNext(isStart)
    await this.start()
  }

  /** Waits for the run. */
  async isThere(count = 1): Promise<void> {
    await until(
      async () => this.at.runs() >= this.#before + count,
      20,
      () => `a run of ${this.name}\n${service.output.slice(-4_000)}`,
    )
    this.id = this.at.id()
  }

  /** Waits until the run has started. It runs until the test ends it. */
  async hasStarted(): Promise<void> {
    await this.isThere()
    this.at.hasStarted()
  }

  /** Waits for this number of further polls. */
  async isPolled(polls = 2): Promise<void> {
    const { calls } = this.at.server
    const since = calls.length
    await until(
      async () => pollsIn(calls.slice(since)) >= polls,
      40,
      () => `${polls} polls of ${this.name}\n${service.output.slice(-4_000)}`,
    )
  }

  /** Stops it by its id, and the platform lets it. */
  async stop(): Promise<void> {
    const { stop } = actions[this.kind.category]
    const answered = this.#call(stop, triggered({ input: { id: this.id } }))
    await until(
      async () => this.at.hasStopped(),
      20,
      () => `the end of ${this.id} of ${this.name}\n${service.output.slice(-4_000)}`,
    )
    this.stopped = await answered
  }

  async isOver(): Promise<void> {
    const [{ body }] = this.answers as [Answer]
    await until(
      async () => (await service.tasks()).some(({ name, status }) => name === body.taskId && status !== 'RUNNING'),
      30,
      () => `the end of the task of ${this.name}\n${service.output.slice(-4_000)}`,
    )
  }

  /** @param events all that were sent */
  take(events: Awaited<ReturnType<Service['events']>>): void {
    const mine = events.filter(({ triggeredid }) => triggeredid === this.event.id)
    this.runs = this.at.runs() - this.#before
    this.started = mine.filter(({ type }) => type.endsWith('.started')).length
    this.finished = mine.filter(({ type }) => type.endsWith('.finished')).map(({ data }) => data)
  }

  #call(action: string, event: object, query = ''): Promise<Answer> {
    return service.call(`/v1/${this.kind.category}/${action}?connection=${this.name}${query}`, event)
  }
}

/** A poll repeats the same request. */
function pollsIn(calls: Call[]): number {
  const alike = Map.groupBy(calls, (call) => [call.method, call.path, awsOperation(call)].join(' '))
  return Math.max(0, ...[...alike.values()].map((group) => group.length))
}

/** Errors by platform. After an error, only the tests of that platform fail. */
const failures = new Map<string, unknown>()

/** Does something with each job at once. */
async function each(jobs: Job[], act: (job: Job) => unknown): Promise<void> {
  const healthy = jobs.filter(({ name }) => !failures.has(name))
  await Promise.all(
    healthy.map(async (job) => {
      try {
        await act(job)
      } catch (error) {
        failures.set(job.name, error)
      }
    }),
  )
}

/**
 * Plays a scenario with every platform, and not one after the other: it takes hardly longer than with one.
 *
 * @param atOnce of how many platforms of one category; four of its tasks may be at work at a time
 * @param played the platforms
 * @returns the result for a platform
 */
function scenario(play: (jobs: Job[]) => Promise<void>, atOnce = names.length, played = names): (name: string) => Job {
  const done = new Map<string, Job>()
  beforeAll(async () => {
    for (const group of groups(played, atOnce)) {
      const jobs = group.map((name) => new Job(name))
      for (const job of jobs) done.set(job.name, job)
      await play(jobs)
      await each(jobs, (job) => job.isOver())
      const events = await service.events()
      for (const job of jobs) job.take(events)
    }
  })
  return (name) => {
    if (failures.has(name)) throw failures.get(name)
    const job = done.get(name)
    if (!job) throw new Error(`Nothing was played with ${name}`)
    return job
  }
}

function groups(played: string[], atOnce: number): string[][] {
  const byCategory = Map.groupBy(played, (name) => jobPlatforms[name]?.category)
  const rounds = Math.ceil(Math.max(...[...byCategory.values()].map(({ length }) => length)) / atOnce)
  return Array.from({ length: rounds }, (_, round) => {
    return [...byCategory.values()].flatMap((group) => group.slice(round * atOnce, (round + 1) * atOnce))
  })
}

async function restart(): Promise<void> {
  await service.kill()
  await service.start()
}

/** The outcome of a completed job. */
function endOf({ kind, id }: Job) {
  const end = kind.ends === 'aborted' ? { status: 'aborted', result: 'fail' } : { status: 'succeeded', result: 'pass' }
  return { ...end, job: { id } }
}

const outcomeUnknown = {
  status: 'errored',
  result: 'fail',
  message: expect.stringMatching(/It is unknown whether an? .* was started\. The start was not retried\. Check /),
}

/** One start, one run, one end. */
function expectOnce(job: Job, end: object): void {
  expect(job).toMatchObject({ runs: 1, started: 1, finished: [end] })
}

describe('An event that is delivered three times at once', () => {
  const seen = scenario(async (jobs) => {
    await each(jobs, (job) => job.start({ times: 3 }))
    await each(jobs, (job) => job.hasStarted())
    await each(jobs, (job) => job.isPolled())
    await each(jobs, (job) => job.at.end())
  })

  it.each(names)('starts one run of %s and sends one finished event', (name) => {
    const job = seen(name)
    expect(job.answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(new Set(job.answers.map(({ body }) => body.taskId)).size).toBe(1)
    expectOnce(job, endOf(job))
  })
})

describe('A start whose response is lost', () => {
  const seen = scenario(async (jobs) => {
    await each(jobs, (job) => job.startWithFault('lost'))
    await each(jobs, (job) => job.hasStarted())
    await each(knownIn(jobs), (job) => job.isPolled())
    await each(jobs, (job) => job.at.end())
  })

  it.each(namesKnownBy('token', 'look-up'))('is one run of %s, which is polled until it ends', (name) => {
    expectOnce(seen(name), endOf(seen(name)))
  })

  it.each(namesKnownBy('neither'))('is not repeated on %s, and the task reports an unknown outcome', (name) => {
    expectOnce(seen(name), outcomeUnknown)
  })
})

describe('A process that is killed before the start response and again during polling', () => {
  const seen = scenario(async (jobs) => {
    await each(jobs, (job) => job.startWithFault('held'))
    await each(jobs, (job) => job.hasStarted())
    await restart()
    await each(knownIn(jobs), (job) => job.isPolled())
    await restart()
    await each(knownIn(jobs), (job) => job.isPolled())
    await each(jobs, (job) => job.at.end())
  }, 3)

  it.each(namesKnownBy('token', 'look-up'))('has one run of %s and one finished event', (name) => {
    expectOnce(seen(name), endOf(seen(name)))
  })

  it.each(namesKnownBy('neither'))('has one run of %s and one finished event with an unknown outcome', (name) => {
    expectOnce(seen(name), outcomeUnknown)
  })
})

describe('stop', () => {
  const stopped = { status: 200, body: { result: 'pass', message: expect.stringMatching(/^Stopped /) } }
  const aborted = { status: 'aborted', result: 'fail' }

  describe('during the run', () => {
    const seen = scenario(async (jobs) => {
      await each(jobs, (job) => job.start())
      await each(jobs, (job) => job.hasStarted())
      await each(jobs, (job) => job.isPolled())
      await each(jobs, (job) => job.stop())
    })

    it.each(names)('ends the run of %s, and its task ends as aborted', (name) => {
      const job = seen(name)
      expect(job.stopped).toMatchObject(stopped)
      expectOnce(job, { ...aborted, job: { id: job.id } })
    })
  })

  describe('before the start response', () => {
    const seen = scenario(async (jobs) => {
      await each(jobs, (job) => job.startWithFault('held'))
      await each(jobs, (job) => (job.kind.stopsLate ? job.hasStarted() : job.isThere()))
      await each(jobs, (job) => job.stop())
      await restart()
    }, 3)

    it.each(names)('ends the run of %s', (name) => {
      expect(seen(name).stopped).toMatchObject(stopped)
    })

    it.each(names.filter(whichStopsAs(undefined)))('ends the task of %s as aborted', (name) => {
      expectOnce(seen(name), { ...aborted, job: { id: seen(name).id } })
    })

    it.each(names.filter(whichStopsAs('unknown')))(
      'leaves the task of %s with an unknown outcome, and starts no other run',
      (name) => {
        expectOnce(seen(name), outcomeUnknown)
      },
    )
  })
})

describe('A run that takes hours', () => {
  /** Polls within two hours: after a fifth of the elapsed time, at least once a minute. */
  const polls = 141
  // Polling and crashes are the same code for all platforms of a category.
  const onePerCategory = [...Map.groupBy(names, (name) => jobPlatforms[name]?.category).values()].flatMap(
    ([name]) => name ?? [],
  )
  const seen = scenario(
    async (jobs) => {
      await each(jobs, (job) => job.start({ query: '&deadline=PT6H' }))
      await each(jobs, (job) => job.hasStarted())
      for (let kills = 0; kills < 2; kills++) {
        await each(jobs, (job) => job.isPolled(polls / 3))
        await restart()
      }
      await each(jobs, (job) => job.isPolled(polls / 3))
      await each(jobs, (job) => job.at.end())
    },
    names.length,
    onePerCategory,
  )

  it.each(onePerCategory)('of %s has one finished event after two crashes', (name) => {
    expectOnce(seen(name), endOf(seen(name)))
  })
})

it('A hundred jobs at once have one run and one finished event each', async () => {
  const [count, callers] = [100, 16]
  const input = { target: String(busy.state.jobs[0]?.job_id) }
  const events = Array.from({ length: count }, () => triggered({ type: 'sh.keptn.event.job.triggered', input }))
  const path = `/v1/optimization/start-model?connection=busy${interactive}`
  const waiting = [...events]
  const tasks = new Set<string>()
  const running = async () =>
    (await service.tasks()).filter(({ name, status }) => tasks.has(name) && status === 'RUNNING').length
  const call = async () => {
    for (let event = waiting.pop(); event; event = waiting.pop()) {
      const answer = await service.call(path, event)
      expect(answer).toMatchObject({ status: 202 })
      tasks.add(answer.body.taskId)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  await until(
    async () => busy.state.runs.length >= count,
    90,
    () => `${count} runs, of which there are ${busy.state.runs.length}`,
  )
  expect(await running()).toBe(count)
  const termination_details = { code: 'SUCCESS', type: 'SUCCESS', message: '' }
  for (const run of busy.state.runs) run.status = { state: 'TERMINATED', termination_details }
  await until(
    async () => (await running()) === 0,
    90,
    () => `the end of every task\n${service.output.slice(-4_000)}`,
  )
  const replies = Map.groupBy(await service.events(), ({ triggeredid }) => triggeredid)
  const kinds = events.map(({ id }) => (replies.get(id) ?? []).map(({ type }) => type.split('.').at(-1)).join())
  expect(new Set(kinds)).toEqual(new Set(['started,finished']))
  const ends = events.map(
    ({ id }) => replies.get(id)?.at(-1)?.data as unknown as { result: string; job: { id: string } },
  )
  expect(new Set(ends.map(({ result }) => result))).toEqual(new Set(['pass']))
  expect([busy.state.runs.length, new Set(ends.map(({ job }) => job.id)).size]).toEqual([count, count])
})

function namesKnownBy(...ways: JobPlatform['known'][]): string[] {
  return Object.entries(jobPlatforms).flatMap(([name, { known }]) => (ways.includes(known) ? [name] : []))
}

function whichStopsAs(what: JobPlatform['stoppedAtStart']) {
  return (name: string) => jobPlatforms[name]?.stoppedAtStart === what
}

function knownIn(jobs: Job[]): Job[] {
  return jobs.filter(({ kind }) => kind.known !== 'neither')
}

function withCategory<C extends CategoryName>(category: C, platforms: Record<string, JobPlatform>) {
  return Object.fromEntries(Object.entries(platforms).map(([name, platform]) => [name, { ...platform, category }]))
}
