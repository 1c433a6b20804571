import { engines, targetOf } from '../../infra/sandbox/engines/index.ts'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import type { Target } from '../../infra/sandbox/platforms/sandbox/http.ts'
import { type Rotating, rotating } from './credentials.ts'
import { type Random, randomOf } from './random.ts'
import { stoppedConnections } from './restrictions.ts'

/** A fault, with its time in milliseconds after the start. */
export type Incident = { at: number } & (
  | { kind: 'kill' }
  /** A crash of a task's or a webhook's worker; `index`, from 0 to below 1, selects one of those that are busy at that moment. */
  | { kind: 'worker'; of: 'task' | 'webhook'; index: number }
  | { kind: 'fault'; fault: FaultSpec }
  /** The secret changes this number of milliseconds before the platform does; after it if negative. */
  | { kind: 'rotation'; of: Rotating | 'caller'; ahead: number }
  /** Milliseconds; of the process, or of the functions only. */
  | { kind: 'clock'; of: 'machine' | 'functions'; by: number }
  /** An untrusted certificate or a broken handshake for this number of milliseconds. */
  | { kind: 'tls'; how: 'untrusted' | 'broken'; for: number }
  /** People stop the actions with these connections for this number of milliseconds. */
  | { kind: 'stop'; connections: string[]; for: number }
  /** The process does not run for up to 50 ms, again and again, for this number of milliseconds. */
  | { kind: 'stall'; for: number }
)

/** The average interval of each kind, in milliseconds. */
const every = {
  kill: 12_500,
  worker: 4_000,
  fault: 1_500,
  rotation: 15_000,
  clock: 20_000,
  tls: 12_000,
  stop: 45_000,
  stall: 60_000,
}

/**
 * Returns the faults of a run. They depend only on the seed and the duration; which task a fault affects depends on the machine.
 *
 * @param ms how long calls are sent
 */
export function planOf(seed: number, ms: number): Incident[] {
  const all = (Object.keys(every) as (keyof typeof every)[]).flatMap((kind) => {
    const count = Math.max(1, Math.round(ms / every[kind]))
    return Array.from({ length: count }, (_, n): Incident => {
      const random = randomOf(seed, `${kind} ${n}`)
      // One in each part of the time, so that they are spread over all of it.
      const at = Math.round(((n + random.next()) / count) * ms)
      return { at, ...incidentOf[kind](random, ms) } as Incident
    })
  })
  return all.sort((a, b) => a.at - b.at)
}

type Untimed<I> = I extends unknown ? Omit<I, 'at'> : never

const incidentOf: Record<keyof typeof every, (random: Random, ms: number) => Untimed<Incident>> = {
  kill: () => ({ kind: 'kill' }),
  worker: (random) => ({ kind: 'worker', of: random.chance(0.85) ? 'task' : 'webhook', index: random.next() }),
  fault: (random) => ({ kind: 'fault', fault: faultOf(random) }),
  rotation: (random) => ({
    kind: 'rotation',
    of: random.pick([...rotating, 'caller']),
    ahead: random.chance(0.7) ? random.integer(0, 2_000) : -random.integer(0, 1_500),
  }),
  clock: (random) =>
    random.chance(0.4)
      ? { kind: 'clock', of: 'machine', by: random.integer(500, 20_000) }
      : { kind: 'clock', of: 'functions', by: random.integer(-10_000, 10_000) },
  tls: (random) => ({ kind: 'tls', how: random.pick(['untrusted', 'broken']), for: random.integer(200, 3_000) }),
  stop: (random, ms) => ({
    kind: 'stop',
    connections: stoppedConnections(random),
    // A short run would wait for its end.
    for: Math.min(ms / 2, random.integer(15_000, 40_000)),
  }),
  // Half of the time.
  stall: (_, ms) => ({ kind: 'stall', for: Math.min(ms, every.stall) / 2 }),
}

const isEngine = (target: Target) => target.startsWith('engines/')

const targets: readonly { target: Target; weight: number }[] = [
  ...engines.filter(({ platform }) => platform).map((engine) => ({ target: targetOf(engine), weight: 6 })),
  { target: 'keptn', weight: 28 },
  { target: 'github', weight: 22 },
  { target: 'servicenow', weight: 12 },
  { target: 'unleash', weight: 8 },
  { target: 'databricks', weight: 8 },
  { target: 'rundeck', weight: 8 },
  { target: 'slack', weight: 10 },
  { target: 'dynatrace', weight: 6 },
  { target: 'toxiproxy', weight: 4 },
  { target: 'tool', weight: 8 },
]

/**
 * Each once the work is done as well: that is where things are doubled. But what is refused was not done. An engine that
 * responds with success has the answer, and one that refuses it does not want it.
 */
const faults: readonly {
  weight: number
  refuses?: true
  platformsOnly?: true
  spec(random: Random): Omit<FaultSpec, 'target'>
}[] = [
  { weight: 6, spec: () => ({ kind: '500' }) },
  { weight: 6, spec: () => ({ kind: '503' }) },
  { weight: 10, spec: () => ({ kind: 'reset' }) },
  { weight: 5, spec: () => ({ kind: 'html' }) },
  { weight: 7, platformsOnly: true, spec: () => ({ kind: 'truncate' }) },
  { weight: 7, platformsOnly: true, spec: () => ({ kind: 'wrong-json' }) },
  { weight: 4, platformsOnly: true, spec: () => ({ kind: 'empty' }) },
  { weight: 7, spec: () => ({ kind: 'no-id' }) },
  { weight: 4, spec: () => ({ kind: 'echo' }) },
  { weight: 8, spec: (random) => ({ kind: 'slow', delayMs: random.integer(100, 3_000) }) },
  { weight: 6, refuses: true, spec: (random) => ({ kind: '429', retryAfter: random.pick([null, 0, 1, 2]) }) },
  { weight: 3, refuses: true, spec: () => ({ kind: 'redirect' }) },
  { weight: 3, refuses: true, spec: () => ({ kind: '401' }) },
  {
    weight: 3,
    refuses: true,
    platformsOnly: true,
    spec: (random) => ({ kind: 'echo', status: random.pick([400, 422]) }),
  },
]

function faultOf(random: Random): FaultSpec {
  const { target } = random.weighed(targets)
  const after = random.chance(0.4)
  // Each holds an environment for as long as a request may take, and there are four of a function here.
  if (random.chance(0.06)) return { target, kind: 'hang', after, count: 1 }
  if (random.chance(0.02) && !isEngine(target)) return { target, kind: 'huge', after, count: 1 }
  const { spec, refuses = false } = random.weighed(faults.filter((one) => !(one.platformsOnly && isEngine(target))))
  const length = random.chance(0.6) ? { count: random.integer(1, 6) } : { seconds: random.integer(1, 30) / 10 }
  return { target, ...spec(random), after: after && !refuses, ...length }
}
