import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Section, seconds } from '../bench/measure.ts'
import { asMarkdown } from '../bench/table.ts'
import { timeScale } from './environment.ts'
import type { Proof } from './prove.ts'
import { WAIT_SECONDS } from './restrictions.ts'
import { claims, GRACE_MS } from './verify.ts'

const file = join(import.meta.dirname, '../../docs/proof.md')
/** The parts of `docs/proof.md`, each written by another kind of run. */
const parts = ['# Proof', '# Soak', '# Speed'] as const
type Part = (typeof parts)[number]

/** The figures of a run, as tables. */
export function tablesOf(proof: Proof): Section[] {
  const { calls, agents, alerts, reruns, policy, notifications, injected, faults, ends, late, searched, executions } =
    proof
  const broken = Map.groupBy(proof.violations, ({ claim }) => claim)
  const rowsOf = (counts: Record<string, number>) =>
    Object.entries(counts).map(([name, count]) => [name, number(count)])
  const listed = (counts: Record<string, number>, format: (count: number, name: string) => string) =>
    Object.entries(counts)
      .map(([name, count]) => format(count, name))
      .join(', ')
  return [
    table(
      'Invariants',
      ['invariant', 'violations'],
      Object.entries(claims).map(([claim, words]) => [
        words,
        number(broken.get(claim as keyof typeof claims)?.length ?? 0),
      ]),
    ),
    table(
      'Calls and responses',
      ['what', 'how many'],
      [
        ['calls', number(calls.planned)],
        ['deliveries, including duplicates and repeats', number(calls.deliveries)],
        ['deliveries without a response, because the runtime or worker was killed', number(calls.unanswered)],
        ['answered 202 as a duplicate', number(calls.duplicates)],
        ['calls that were accepted (202)', number(calls.accepted)],
        ['calls to platforms and to Keptn', number(proof.requests)],
        ['events that Keptn accepted', number(proof.events)],
        ['accepted button presses for approvals', number(proof.buttonPresses)],
        ['tasks by the status of their execution', listed(executions, (count, name) => `${count} ${name}`)],
        ['duration of the calls and faults', seconds(proof.took.load)],
        ['time until the last task ended', seconds(proof.took.quiet)],
        [
          'share of the time in which a process waited for a CPU',
          proof.pressure === undefined ? 'unknown' : `${Math.round(proof.pressure * 100)} %`,
        ],
      ],
      [
        `Answers: ${listed(calls.byStatus, (count, status) => `${status}: ${number(count)}`)}.`,
        'There may be more tasks than accepted calls: a required approval is a task of its own, and the response to an accepted call can be lost.',
      ],
    ),
    table(
      'Calls of other engines',
      ['engine', 'accepted', 'one result', 'stopped waiting', 'of these recorded', 'repeated answers', 'faults'],
      proof.engines.map(({ title, ...counts }) => [title, ...Object.values(counts).map(number)]),
      [
        'Tasks send nothing to engines that poll, so they record nothing. After a request without a response, a task cannot know whether its engine still waits.',
      ],
    ),
    table(
      'Agents, alerts and operators',
      ['what', 'how many'],
      [
        ['calls of agents', number(agents.calls)],
        ['of these accepted', number(agents.accepted)],
        ['repeats with the same key', number(agents.repeats)],
        ['requests with alerts that were accepted', number(alerts.requests)],
        ['alerts that fired', number(alerts.firings)],
        ['of these ended', number(alerts.ended)],
        ['issues that they opened', number(alerts.issues)],
        ['of these closed', number(alerts.closedIssues)],
        ['runbooks that they started', number(alerts.runbooks)],
        ['tasks of alerts that did not pass', number(alerts.failed)],
        ['tasks that an operator asked to run again', number(reruns.asked)],
        ['of these run again', number(reruns.again)],
        ['refused, because they had passed', number(reruns.refused)],
      ],
    ),
    table(
      'Notifications of the ends of jobs',
      ['what', 'how many'],
      [
        ['delivered', number(notifications.delivered)],
        ['lost', number(notifications.lost)],
        ['not accepted, because the runtime was down or failed', number(notifications.unanswered)],
        ['tasks that delivered ones have woken', number(notifications.wakeUps)],
        ['forged with the right key, right after the start of the run', number(notifications.untrue)],
        ['tasks that these have woken', number(notifications.untrueWakeUps)],
        ['forged with a wrong key, and refused', number(notifications.refused)],
      ],
    ),
    table(
      'Policy',
      ['what', 'how many'],
      [
        ...POLICY_ROWS.map(([key, label]) => [label, number(policy[key])]),
        ['jobs that ran one at a time for three targets', number(proof.jobsInTurn)],
        ['accepted calls whose connection people stopped in the meantime', number(proof.stopped)],
      ],
    ),
    table('Calls by action', ['action', 'calls'], rowsOf(calls.byAction)),
    table('Results of the tasks', ['status and result', 'tasks'], rowsOf(ends)),
    table(
      'Injected faults',
      ['what', 'how often'],
      [
        ...rowsOf(injected).map(([name = '', count = '']) => [LABELS[name] ?? name, count]),
        ...rowsOf(faults).map(([name, count = '']) => [`requests with a fault: ${name}`, count]),
      ],
    ),
    table(
      'Deadlines and secrets',
      ['what', 'figure'],
      [
        ['tasks whose finished event was late', number(late.tasks)],
        ['maximum delay for the caller', seconds(late.max)],
        [
          'maximum delay without downtime of Keptn and the runtime and slow clocks',
          `${seconds(late.maxOwn)}, at most ${seconds(GRACE_MS)} allowed`,
        ],
        [
          'data searched for secrets',
          `${(searched.bytes / 1_048_576).toFixed(0)} MB in ${number(searched.files)} files and items`,
        ],
      ],
    ),
  ]
}

export function table(title: string, columns: string[], rows: string[][], notes: string[] = []): Section {
  return { title, columns, rows, notes }
}

const POLICY_ROWS: readonly [keyof Proof['policy'], string][] = [
  ['calls', 'calls that a rule restricts'],
  ['refused', 'refused: denied, while the window was closed, or because a silent call cannot wait'],
  ['delayed', 'accepted while the window was closed, and run after it had opened'],
  ['messages', 'messages that ask people'],
  ['approved', 'of these approved'],
  ['rejected', 'rejected'],
  ['expired', 'expired'],
  ['canceled', 'closed because the window opened, or because another message was rejected'],
  ['ran', 'actions that ran'],
  ['auditRecords', 'audit records of all actions of tasks'],
]

const LABELS: Record<string, string> = {
  kills: 'kill -9 of the runtime and restart with the same state',
  'task workers': 'task workers that died during an invocation',
  'webhook workers': 'webhook workers that died during a call',
  faults: 'faults of platforms, Keptn and other engines',
  rotations: 'credential rotations',
  'clock steps': 'clock steps',
  TLS: 'TLS failures',
  stalls: 'times in which the runtime was stopped for up to 50 ms, again and again, half a minute long',
  stops: 'stops of some connections, which were lifted after some seconds',
}

/** How to read the figures. */
const method = `## Method

- The shipped bundles run in the local runtime, a separate process. The seed determines calls and faults. Durable waits are
  ${timeScale} times shorter than on AWS; deadlines, requests and the work of the platforms are not.
- The responses to the callers are compared with the records of the platforms: the database of the sandbox, which fakes GitHub,
  GitHub Actions, ServiceNow, Unleash, Databricks, Rundeck, Toxiproxy, Slack, Dynatrace and Keptn's API. The output of the functions
  is not evidence; only the database of the local runtime shows whether an execution is still running.
- Some interactive calls come from the other engines of the sandbox, which get the answers through their own APIs, or poll.
  Engines send some calls twice, restart after a call, stop waiting, and have faults like platforms. The result that an engine has recorded
  is compared with the status of the task. The addresses for answers, such as task tokens, are searched like secrets.
- Some interactive calls come from an agent over MCP, which repeats a call without an answer with the same key, and reads the task until it ends.
- An Alertmanager reports groups of three alerts: when one changes, and again and again, with each end until a request has succeeded. Alerts fire
  again, Prometheus restarts and reports another start, and some requests arrive once more up to 8 s later. Rules open and close an
  issue, and start a runbook for some alerts.
- An operator asks twice to run half of the ended tasks of Keptn again, also those that have passed. Tasks that people, windows or turns decide about are not among them.
- GitHub, Rundeck and Databricks notify the runtime of their runs, and lose a third of these notifications. Others are forged: with the right
  key right after the start of the run, and with a wrong key. A third of the jobs have a connection that no source wakes.
- Issues, comments, tickets, notes, workflow runs, job runs, messages and reports contain the id of their event, which makes them countable.
- Keptn and some of the GitHub connections use TLS with a private authority. The certificate is replaced by an untrusted one, or the
  handshake fails.
- The policy of the run restricts calls of some connections: one person, two people, another person than the owner of the caller, two rules at
  once, a window that opens and closes each minute (the task waits, the call is refused, or people break the glass), a denial, and turns for
  three targets, which actions of four categories share. Jane and Ben approve, reject, decide twice or late, or do nothing, and press
  buttons of messages that they may not decide. The times of the records at the
  platforms are compared with the times of their button presses, and of the windows. \`waitAtMost\` is ${WAIT_SECONDS} s, and not divided.
- People stop some of these connections for 15 to 40 s. A write counts as one during a stop from 10 s after the response to the stop on: a
  stop is in force after 5 s, and a slow platform, or a busy machine, handles a request later.
- Workers die by \`terminate()\` of their thread during an invocation, as a Lambda environment does.
- Half of the time, the process of the runtime is stopped for up to 50 ms (SIGSTOP), again and again.
- Clock steps: \`Date\` jumps in every thread (forward only, including platforms), or in the functions only (both ways, up to 20 s).
  Timers and monotonic clocks do not jump, as with a real step. Native code such as SQLite and TLS does not see the step.
- Credentials change at the platform and in the file of \`WEBHOOKS_SECRETS\`, up to 2 s apart, in either order. Tokens of the caller
  are added, used and removed.
- Each secret contains a marker. Files, the values of all databases, the DEBUG output of the runtime, all responses and events, and the
  DynamoDB table are searched for the marker: verbatim, percent-encoded, in JSON, and in Base64 at each of its three offsets. Some faults
  return the request with its credentials.
- The delay of a task is the time from its deadline, counted from the first 202, to its event in Keptn, minus the time in which the
  runtime was down, by which the clock of the functions was behind, or in which Keptn rejected events (10 s after each rejected request, 25 s after one that hung).

## Limits

- Local emulations of AWS: durable functions, DynamoDB, Secrets Manager, API Gateway and EventBridge are written from the
  documentation. Their own faults are not injected.
- The platforms are fakes, too. \`npm run test:contracts\` compares the requests of the providers with the API documents of the vendors.
- The time of a result after its deadline is checked for Keptn's calls only. Flagger does not take part: it never ends a run whose task is
  errored before its progress deadline.
- Some effects are not countable: flags that already have the value, evaluations, load tests, and toxics that are removed. For these,
  the run shows only that each task ends once and that no toxic remains.
- \`find\` reads the newest hundred messages of a channel and the newest five hundred issues. More messages between an attempt and its
  retry could cause a duplicate, and more issues an unknown outcome, so several repositories and channels share the load.
- A 403 on the read-back for minutes looks like a token without permission, and is not among the faults: the \`finished\` event may be
  sent twice, which Keptn ignores.
- Waits are shorter but requests are not: on a slow machine, the request of a dying worker can arrive after the next attempt has read
  the platform, which causes a duplicate. On AWS, a minute lies between the two.
- If a worker dies right after it has resumed a workflow of Dynatrace, the task says for up to an hour that it is running. The run ends earlier, and
  reports a missing result.
- If a webhook worker dies after it has started a task, the gateway returns 502 and the event still follows. The chaos test repeats such
  a call; Keptn does not.
- The seed determines the calls and faults. Threads, network and machine determine which task a fault affects.`

/** Returns the proof part of the report in Markdown. */
export function proofPart(proof: Proof): string {
  const intro = `Written by \`npm run prove -- --write\`, on ${machine()}; seed ${proof.seed}. Repeat the plan with \`npm run prove -- --seed ${proof.seed}\`.`
  return markdownOf('# Proof', intro, tablesOf(proof), method)
}

/** Returns a part of the report in Markdown. */
export function markdownOf(part: Part, intro: string, tables: Section[], ...more: string[]): string {
  return [part, intro, ...tables.map(asMarkdown), ...more].join('\n\n').replaceAll(/\n\n\n+/g, '\n\n')
}

/** Date, versions and machine. */
export function machine(): string {
  const date = new Date().toISOString().slice(0, 10)
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
  const busy = `load ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes`
  return `${date}, Node ${process.versions.node}, SQLite ${process.versions['sqlite']}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ${memory}, ${busy}`
}

/** Replaces one part of `docs/proof.md`. */
export async function writePart(part: Part, text: string): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const existing = new Map(before.split(/^(?=# )/m).map((one) => [one.slice(0, one.indexOf('\n')).trim(), one.trim()]))
  existing.set(part, text.trim())
  await writeFile(file, `${parts.flatMap((name) => existing.get(name) ?? []).join('\n\n')}\n`)
}

function number(value: number): string {
  return value.toLocaleString('en')
}
