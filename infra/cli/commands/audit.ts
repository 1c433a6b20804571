import { existsSync } from 'node:fs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command, Option } from 'commander'
import { toTerminalJson } from '../../../shared/redact.ts'
import { explainAws } from '../../aws/aws-errors.ts'
import { readAuditLog } from '../../local/audit-log.ts'
import { UsageError } from '../../project/usage-error.ts'
import { toCsv } from '../audit/csv.ts'
import { parseFrom, parseTo } from '../audit/period.ts'
import { type AuditRecord, AuditRecords, type Period } from '../audit/records.ts'
import { readStackRecords } from '../audit/stack-records.ts'
import { stateFolder } from '../receiver/receiver.ts'
import { note } from '../terminal/output.ts'

interface Options {
  from?: number
  to?: number
  stack?: string
  format: 'jsonl' | 'csv'
}

const DAY_MS = 86_400_000

/** `webhooks audit`: exports the audit records of the local runtime, or of a stack. */
export function auditCommand(): Command {
  return new Command('audit')
    .option(
      '--from <time>',
      'start: a day in UTC, a time, or how long ago, such as 7d (default: 24h before the end)',
      parseFrom,
    )
    .option('--to <time>', 'end, in the same forms; a day is included, a time is not (default: now)', parseTo)
    .option('--stack <name>', 'export the records of this deployed stack, with your AWS credentials')
    .addOption(new Option('--format <format>', 'JSON Lines, or CSV').choices(['jsonl', 'csv']).default('jsonl'))
    .addOption(new Option('--json', 'the same as --format jsonl').conflicts('format'))
    .addHelpText(
      'after',
      `
Prints one record for each action that ran or was refused, oldest first: who called it, which rules matched, who decided, and how it ended.
docs/operate.md describes its fields. A record that was written twice is printed once. In exports of several periods, the same auditId is the
same record. In CSV, lists are JSON, and a text that a spreadsheet would run as a formula starts with an apostrophe.

The local runtime keeps about 20 MB of records in its state folder. The records of a stack are lines in the logs of its functions, which AWS
deletes after the setting logRetentionDays. Reading them needs lambda:ListFunctions, lambda:ListTags and logs:FilterLogEvents. All records of
the period are in memory, so export a large stack day by day.

Exit code: 0 printed, even if there are no records, 1 AWS rejected a request, 2 invalid arguments, no local runtime, or no such stack.

Examples:
  $ npx webhooks audit
  $ npx webhooks audit --from 7d --format csv
  $ npx webhooks audit --from 2026-11-01 --to 2026-11-30 --stack CloudAutomationWebhooks`,
    )
    .action(run)
}

async function run({ from, to, stack, format }: Options): Promise<void> {
  const now = Date.now()
  const period = { from: from ?? (to ?? now) - DAY_MS, to: to ?? now }
  if (period.from >= period.to) throw new UsageError('The end of the period must be after its start.')
  const records = new AuditRecords(period)
  if (stack === undefined) readLocalRecords(records)
  else await readOfStack(stack, period, records)
  const sorted = records.sorted()
  if (format === 'csv') console.log(toCsv(sorted))
  else printLines(sorted)
  note(`${count(records.count, 'record')} from ${iso(period.from)} to ${iso(period.to)}.${repeatsOf(records)}`)
}

function readLocalRecords(records: AuditRecords): void {
  const state = stateFolder()
  if (!existsSync(state))
    throw new UsageError(
      `No local runtime has used ${state}. Run npm start, set WEBHOOKS_STATE, or pass --stack for a deployed stack.`,
    )
  for (const line of readAuditLog(state)) records.add(line)
}

async function readOfStack(stack: string, period: Period, records: AuditRecords): Promise<void> {
  try {
    await readStackRecords(new LambdaClient(), stack, period, records, note)
  } catch (error) {
    throw error instanceof UsageError ? error : explainAws(error, 'Reading the audit records')
  }
}

function printLines(records: readonly AuditRecord[]): void {
  for (const record of records) console.log(toTerminalJson(JSON.stringify(record)))
}

function repeatsOf({ repeats }: AuditRecords): string {
  return repeats === 0 ? '' : ` ${count(repeats, 'repeat')} omitted.`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
