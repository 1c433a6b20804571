import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Section, seconds } from '../bench/measure.ts'
import { asMarkdown } from '../bench/table.ts'
import { timeScale } from './environment.ts'
import type { Proof } from './prove.ts'
import { claims, grace } from './verify.ts'

const file = join(import.meta.dirname, '../../docs/proof.md')
/** What stands in `docs/proof.md`: a part for each kind of runs, which are written each by its own. */
const parts = ['# Proof', '# Soak', '# Speed'] as const
type Part = (typeof parts)[number]

/** The figures of a run, as tables. */
export function tablesOf(proof: Proof): Section[] {
  const { calls, disturbed, faults, ends, late, searched, executions } = proof
  const broken = Map.groupBy(proof.violations, ({ claim }) => claim)
  const rowsOf = (counts: Record<string, number>) =>
    Object.entries(counts).map(([name, count]) => [name, number(count)])
  return [
    {
      title: 'What is claimed, and what was found',
      columns: ['claim', 'violations'],
      rows: Object.entries(claims).map(([claim, words]) => [
        words,
        number(broken.get(claim as keyof typeof claims)?.length ?? 0),
      ]),
      notes: [],
    },
    {
      title: 'What was done',
      columns: ['what', 'how many'],
      rows: [
        ['calls', number(calls.planned)],
        ['deliveries of them, duplicates and repeats after no answer included', number(calls.deliveries)],
        ['deliveries that got no answer: the runtime, or the worker, was killed', number(calls.unanswered)],
        ['answered 202 as a duplicate', number(calls.duplicates)],
        ['calls that were accepted (202)', number(calls.accepted)],
        ['calls to platforms and to Keptn', number(proof.requests)],
        ['events that Keptn has taken from us', number(proof.events)],
        ['clicks on approvals that were taken', number(proof.clicks)],
        [
          'tasks by the status of their execution',
          Object.entries(executions)
            .map(([name, count]) => `${count} ${name}`)
            .join(', '),
        ],
        ['time: calls were sent, and things went wrong', seconds(proof.took.load)],
        ['time: until the last task had ended', seconds(proof.took.quiet)],
        [
          'share of that time in which something on the machine waited for a CPU',
          proof.pressure === undefined ? 'not known here' : `${Math.round(proof.pressure * 100)} %`,
        ],
      ],
      notes: [
        `Answers: ${Object.entries(calls.byStatus)
          .map(([status, count]) => `${status}: ${number(count)}`)
          .join(', ')}.`,
      ],
    },
    { title: 'Calls by action', columns: ['action', 'calls'], rows: rowsOf(calls.byAction), notes: [] },
    { title: 'How the tasks ended', columns: ['status and result', 'tasks'], rows: rowsOf(ends), notes: [] },
    {
      title: 'What went wrong on purpose',
      columns: ['what', 'how often'],
      rows: [
        ...rowsOf(disturbed).map(([name = '', count = '']) => [inWords[name] ?? name, count]),
        ...rowsOf(faults).map(([name, count]) => [`calls that met a fault: ${name}`, count ?? '']),
      ],
      notes: [],
    },
    {
      title: 'Deadlines and secrets',
      columns: ['what', 'figure'],
      rows: [
        ['tasks whose finished came after their deadline', number(late.tasks)],
        ['latest of them, as a caller sees it', seconds(late.most)],
        [
          'latest of them, without the time for which Keptn or the runtime was away, or the clock set back',
          `${seconds(late.mostOwn)}, of ${seconds(grace)} at most`,
        ],
        [
          'bytes that were searched for secrets',
          `${(searched.bytes / 1_048_576).toFixed(0)} MB in ${number(searched.files)} files and items`,
        ],
      ],
      notes: [],
    },
  ]
}

const inWords: Record<string, string> = {
  kills: 'kill -9 of the runtime, which then starts on the same state',
  'task workers': 'workers of tasks that died in the middle of an invocation',
  'webhook workers': 'workers of webhooks that died in the middle of a call',
  faults: 'faults that were switched on at a platform or at Keptn',
  rotations: 'credentials that changed while tasks needed them',
  'clock steps': 'steps of a clock',
  TLS: 'times at which TLS was broken, or its certificate not trusted',
}

/** What every reader has to know to read the figures right. */
const method = `## How it was checked

- The shipped bundles run behind the local runtime, a process of its own. Calls and disturbances are planned from the seed. The waits of
  durable steps are ${timeScale} times shorter than on AWS; deadlines, requests and the platforms' own work are not.
- What callers were told is held against the books of the platforms: the database of the sandbox that plays GitHub, GitHub Actions,
  ServiceNow, Unleash, Databricks, Rundeck, Toxiproxy, Slack, Dynatrace and Keptn's API. Nothing that our functions say of themselves is
  taken for a proof, except that the local runtime's own database is asked whether an execution still runs.
- Issues, comments, tickets, notes, workflow runs, job runs, messages and reports carry the id of their event in what the caller wrote,
  and are counted by it.
- Keptn and some of the GitHub connections are called through TLS, with a private authority; its certificate is exchanged for one that
  nobody trusts, or the handshake breaks off.
- Workers die by \`terminate()\` of their thread in the middle of an invocation, as an environment of Lambda dies.
- A clock is stepped in the process: \`Date\` jumps in every thread (forward only, platforms included), or in the functions alone (both ways,
  up to 20 s off). Timers and monotonic clocks do not jump, as with a real step. Nothing outside of JavaScript sees it: not SQLite's own
  time, not the check of certificates.
- Credentials change at the platform and in the file of \`WEBHOOKS_SECRETS\`, one up to 2 s before the other, in either order. Tokens of the
  caller are added, used and taken away.
- Each secret begins with a mark that is searched for as it is and in Base64, at each of its three places, so that a piece of one is found
  as well as a whole, also where it is percent-encoded or in JSON: in every file of the state folder, byte by byte and value by value; in
  all that the runtime printed at the level DEBUG; in every answer; in every event; and in the DynamoDB table through its API, since its
  files are compressed. Some faults tell back to us what we have sent, credentials included.
- A task is late by the time between its deadline, counted from the first 202, and the event in Keptn's books, less the time for which
  the runtime was down, a clock was set back, or Keptn refused events (from a refused request on for 10 s, and for 15 s more where it hung).

## What it does not show

- AWS: Lambda's durable functions, DynamoDB, Secrets Manager, API Gateway and EventBridge are played by stand-ins that were written from
  their documentation. Faults of these themselves are not injected.
- The platforms are played, too. What real ones answer is held against their own API documents by \`npm run test:contracts\`.
- Flags are set to what they may be already, an evaluation only reads, a load test leaves nothing that can be counted, and a toxic is gone
  when it is counted: of these it is shown that they end, once, and that no toxic is left.
- A message is looked for among the newest hundred of its channel, an issue among the newest five hundred: with more than that between a
  try and its repeat, there could be two. So a handful of repositories and channels share the load.
- A read-back that is answered 403 for minutes is taken for a token that may not read, and is not among the faults: a \`finished\` may then
  be sent a second time, which Keptn ignores.
- Waits are shortened, but not the time that a request is under way: where the machine is so slow that a request which a dying worker has sent
  comes in after the next try has read back, an event is there twice. On AWS there are seconds between the two.
- A webhook whose worker dies after it has started a task is answered 502 by the gateway, and its event follows all the same: nobody is there
  to say 202. The prover sends such a call again, which Keptn does not.
- The seed decides which calls are sent, in which order and how often, and what goes wrong when. What a fault meets is decided by
  threads, the network and the machine: a run with the same seed is the same plan, not the same interleaving.`

/** The whole part of a proof, in Markdown. */
export function proofPart(proof: Proof): string {
  const intro = `Written by \`npm run prove -- --write\`, as it was: ${machine()}; seed ${proof.seed}. The same plan runs again with \`npm run prove -- --seed ${proof.seed}\`.`
  return [parts[0], intro, ...tablesOf(proof).map(asMarkdown), method].join('\n\n').replaceAll(/\n\n\n+/g, '\n\n')
}

/** Date, versions and machine. */
export function machine(): string {
  const date = new Date().toISOString().slice(0, 10)
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
  const busy = `load ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes`
  return `${date}, Node ${process.versions.node}, SQLite ${process.versions['sqlite']}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory}, ${busy}`
}

/** Writes one part of `docs/proof.md`, and leaves the others as they are. */
export async function writePart(part: Part, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const kept = new Map(before.split(/^(?=# )/m).map((one) => [one.slice(0, one.indexOf('\n')).trim(), one.trim()]))
  kept.set(part, text.trim())
  await writeFile(file, `${parts.flatMap((one) => kept.get(one) ?? []).join('\n\n')}\n`)
}

function number(value: number): string {
  return value.toLocaleString('en')
}
