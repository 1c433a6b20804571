import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { requestLine } from '../../infra/testing/loopback-server.ts'
import type { PlayedJobs } from '../conformance/job-platform.ts'
import { jobPlatforms, type NamedJobPlatform } from '../conformance/job-platforms.ts'
import { isFindable } from '../conformance/once.ts'
import { waitForAll } from '../wait-for-all.ts'
import { type Answer, awsCredentials, Service, triggered } from './service.ts'

// The servers that simulate AWS accept only this key.
process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId
process.env['AWS_SECRET_ACCESS_KEY'] = awsCredentials.secretAccessKey

/** A task that starts a job. */
class Job {
  readonly kind: NamedJobPlatform
  readonly #connection: string
  readonly event: ReturnType<typeof triggered>
  readonly played: PlayedJobs
  answers: Answer[] = []
  stopped: Promise<Answer> | undefined

  readonly #isStoppedBeforeStart: boolean

  constructor(kind: NamedJobPlatform, scenario: string, played: PlayedJobs) {
    this.kind = kind
    this.#isStoppedBeforeStart = scenario === 'stopped' && !kind.platform.stopsLate
    this.#connection = `${kind.provider}-${scenario}`
    this.played = played
    this.event = triggered({ type: 'sh.keptn.event.job.triggered', input: played.input })
  }

  get secret(): [string, object] {
    const { server, connection } = this.played
    const { category, provider, platform } = this.kind
    const signIn = platform.signIn?.(server)
    const fields = signIn ? { ...connection, token: undefined, ...signIn } : connection
    return [`cloud-automation-webhooks/connections/${category}/${this.#connection}`, { provider, ...fields }]
  }

  /** Sends the event several times at once, and waits for the first poll of the run. */
  async start(): Promise<void> {
    await this.#send(2)
    const task = String(this.answers[0]?.body.taskId).slice(0, 8)
    await this.#until(() => service.output.includes(`task ${task} poll: pending`), 'a poll')
  }

  /** Starts the run; the platform never sends the response. */
  async startWithoutResponse(): Promise<void> {
    this.played.server.holdNext((call) => this.kind.platform.starts.test(requestLine(call)))
    await this.#send(1)
  }

  async stop(): Promise<void> {
    this.stopped = this.#call(this.kind.stop ?? '', triggered({ input: { id: this.played.id() } }))
    await this.#until(() => this.played.finishStop(), 'the stop')
    await this.stopped
  }

  async #send(times: number): Promise<void> {
    const deliver = () => this.#call(this.kind.start, this.event, '&mode=interactive&sendStarted=true')
    this.answers = await waitForAll(Array.from({ length: times }, deliver))
    await this.#until(() => this.played.runs() > 0, 'the run')
    if (!this.#isStoppedBeforeStart) this.played.letStart()
  }

  #until(holds: () => boolean, what: string): Promise<void> {
    return service.until(holds, `${what} of ${this.kind.name}`, 40)
  }

  #call(action: string, event: object, query = ''): Promise<Answer> {
    return service.call(`/v1/${this.kind.category}/${action}?connection=${this.#connection}${query}`, event)
  }
}

// One platform for each way to recognize a start: by a token, by a look-up, or neither. Each occupies the only
// environment of its category.
const withoutResponse = ['remediation/kubernetes', 'incident-management/rundeck', 'ci-cd/circleci']
const stoppedEarly = ['optimization/databricks', 'chaos-testing/gremlin', 'load-testing/locust']
/** These and those that sign in or sign requests. `test/lifecycle/every-job.test.ts` starts a job on every platform. */
const deliveredPlatforms = jobPlatforms.filter(
  ({ name }) => [...withoutResponse, ...stoppedEarly].some((one) => one === name) || /aws-|google-/.test(name),
)
const names = deliveredPlatforms.map(({ name }) => name)

let service: Service
const played = new Map<string, Job>()
let events: Awaited<ReturnType<Service['events']>>
beforeAll(async () => {
  const [delivered, held, stopped] = await waitForAll([
    prepare(names, 'delivered'),
    prepare(withoutResponse, 'held'),
    prepare(stoppedEarly, 'stopped'),
  ])
  const known = held.filter(({ kind }) => isFindable(kind.once))
  service = new Service({
    concurrency: 1,
    secrets: Object.fromEntries([...delivered, ...held, ...stopped].map(({ secret }) => secret)),
  })
  await service.start()
  await each(delivered, (job) => job.start())
  await each([...held, ...stopped], (job) => job.startWithoutResponse())
  await each(stopped, (job) => job.stop())
  await service.kill()
  await each([...delivered, ...known], (job) => job.played.end())
  await service.start()
  const ids = new Set<string>([...delivered, ...held, ...stopped].map(({ event }) => event.id))
  const countFinished = async () => {
    events = await service.events()
    return events.filter(({ type, triggeredid = '' }) => type.endsWith('.finished') && ids.has(triggeredid)).length
  }
  await service.until(async () => (await countFinished()) >= ids.size, 'the ends', 60)
})
afterAll(async () => {
  await service.end()
  await waitForAll([...played.values()].map((job) => job.played.server.close()))
})

async function prepare(platforms: string[], scenario: string): Promise<Job[]> {
  const kinds = jobPlatforms.filter(({ name }) => platforms.includes(name))
  return waitForAll(
    kinds.map(async (kind) => {
      const job = new Job(kind, scenario, await kind.platform.start())
      played.set(`${scenario} ${kind.name}`, job)
      return job
    }),
  )
}

/** Errors by platform. After an error, only the tests of that platform fail. */
const failures = new Map<Job, unknown>()

/** Does something with each job at once. */
async function each(jobs: Job[], act: (job: Job) => unknown): Promise<void> {
  await waitForAll(
    jobs.map(async (job) => {
      try {
        if (!failures.has(job)) await act(job)
      } catch (error) {
        failures.set(job, error)
      }
    }),
  )
}

/** Expects one start, one run and one end. */
function expectOnce(scenario: string, name: string, end: object): Job {
  const job = played.get(`${scenario} ${name}`)
  if (!job) throw new Error(`No job ran with ${name}`)
  if (failures.has(job)) throw failures.get(job)
  const mine = events.filter(({ triggeredid }) => triggeredid === job.event.id)
  const kinds = mine.map(({ type }) => type.split('.').at(-1))
  expect({ runs: job.played.runs(), kinds }).toEqual({ runs: 1, kinds: ['started', 'finished'] })
  expect(mine.at(-1)?.data).toMatchObject(end)
  return job
}

const outcomeUnknown = { status: 'errored', result: 'fail', message: expect.stringContaining('It is unknown whether') }
const passed = { status: 'succeeded', result: 'pass' }

describe('An event that is delivered twice at once', () => {
  it.each(deliveredPlatforms)(
    'starts one run of $name, which survives a crash, and sends one finished event',
    (kind) => {
      const { ends } = kind.platform
      const job = expectOnce('delivered', kind.name, ends ? { status: ends, job: {} } : { ...passed, job: {} })
      expect(job.answers.map(({ status }) => status)).toEqual([202, 202])
      expect(new Set(job.answers.map(({ body }) => body.taskId)).size).toBe(1)
    },
  )
})

describe('The credentials of a connection are in no log line and no event:', () => {
  const isSecret = (field: string) => ['token', 'password', 'clientSecret', 'privateKey'].includes(field)
  /** The others use the role of the function. */
  const withSecrets = names.filter((name) => !/aws-|toxiproxy|google-cloud-deploy/.test(name))
  it.each(withSecrets)('%s', (name) => {
    const [, connection] = played.get(`delivered ${name}`)?.secret ?? []
    const secrets = Object.entries(connection ?? {}).filter(([field, value]) => isSecret(field) && value)
    expect(secrets).toHaveLength(1)
    // A line of a key, which JSON does not escape.
    const [text, line = text] = String(secrets[0]?.[1]).split('\n')
    expect(service.output + JSON.stringify(events)).not.toContain(line)
  })
})

describe('A process that is killed before the start response', () => {
  it.each(withoutResponse)('has one run of %s and one finished event', (name) => {
    expectOnce('held', name, name === 'ci-cd/circleci' ? outcomeUnknown : passed)
  })
})

describe('A stop before the start response', () => {
  it.each(stoppedEarly)('ends the run of %s, and no other run is started after a crash', async (name) => {
    const job = expectOnce('stopped', name, name === 'load-testing/locust' ? outcomeUnknown : { status: 'aborted' })
    const stopped = { status: 200, body: { result: 'pass', message: expect.stringMatching(/^Stopped /) } }
    expect(await job.stopped).toMatchObject(stopped)
  })
})

it('An interactive stop with an invalid id is rejected before it is accepted', async () => {
  const event = triggered({ input: { id: '../admin' } })
  expect(await service.call('/v1/ci-cd/cancel?connection=circleci-delivered&mode=interactive', event)).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('such as') },
  })
})
