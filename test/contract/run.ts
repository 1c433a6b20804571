// Drives every provider against the contracts of its vendor: `npm run test:contracts`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { categories } from '../../functions/index.ts'
import { helpIfAsked } from '../../infra/help.ts'
import { type Contract, type Operation, readContract } from '../../infra/openapi/contract.ts'
import { messageOf } from '../../shared/errors.ts'
import { cardProblems } from './adaptive-card.ts'
import type { Case, Subject } from './cases.ts'
import { Checker } from './check.ts'
import { extraOperations, operationsOf } from './extra-operations.ts'
import { playContract } from './server.ts'
import { subjects, withoutContract } from './subjects/index.ts'

const root = join(import.meta.dirname, '../..')
const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(root, '../shared/contracts')
const suffix = '.openapi.json'
const cardSchema = 'adaptive-card.1.5.schema.json'

helpIfAsked(`npm run test:contracts: tests every provider against the API documents of its vendor.

  WEBHOOKS_CONTRACTS=<folder>   folder of the documents
  --help                        print this text`)

/** The problems, one line each. The run fails if there are any. */
const problems: string[] = []
/** The operations that were called, by contract. */
const called = new Map<string, Set<string>>()

if (!existsSync(folder)) {
  console.log(`skipped: ${relative(root, folder)} contains no contracts. Set WEBHOOKS_CONTRACTS to use another folder`)
} else {
  await main()
  process.exitCode = problems.length > 0 ? 1 : 0
}

/** Some providers of a kind support only some of its actions. */
function isSupported(action: string, platform: object): boolean {
  if (action === 'rollback') return 'rollback' in platform
  if (action === 'close-approval') return 'process' in platform
  return action !== 'push-update' || !('process' in platform)
}

async function main(): Promise<void> {
  checkReading()
  for (const subject of subjects) await drive(subject)
  checkExtraOperations()
  checkCards()
  await checkCompleteness()
  console.log('')
  for (const problem of problems) console.log(`  FAILED  ${problem}`)
  console.log(problems.length === 0 ? 'Every request matches its contract.' : `${problems.length} problems.`)
}

function readFile(name: string, under?: string): Contract {
  return readContract(JSON.parse(readFileSync(join(folder, `${name}${suffix}`), 'utf8')), under)
}

function fileNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
}

/** The vendors' own examples must be taken: else it is the contracts that are read wrongly. */
function checkReading(): void {
  let operations = 0
  for (const name of fileNames()) {
    try {
      const contract = readFile(name)
      const checker = new Checker(contract)
      for (const operation of contract.operations) {
        operations++
        const errors = checker.examples(operation)
        problems.push(...errors.map((error) => `${name}: the contract's own example of ${operation.name}: ${error}`))
      }
    } catch (error) {
      problems.push(`${name} cannot be read: ${messageOf(error)}`)
    }
  }
  console.log(`${fileNames().length} contracts with ${operations} operations read, and their own examples validated`)
}

async function drive(subject: Subject): Promise<void> {
  const { name, contract: file, under, credentials, documents = [], answers, write, cases } = subject
  if (!fileNames().includes(file)) {
    problems.push(`${name}: ${file}${suffix} is missing in the folder`)
    return
  }
  const read = readFile(file, under)
  const extra = extraOperations[file] ?? []
  const contract: Contract = {
    ...read,
    operations: operationsOf(read, extra, under).map((operation) => ({
      ...(documents.includes(operation.name) ? ofAnything(operation) : operation),
      ...(credentials ? { credentials } : {}),
    })),
  }
  const platform = await playContract(contract, answers, { write })
  const coveredBy = new Map<string, Set<string>>()
  try {
    for (const row of cases) {
      const first = platform.handled.length
      const label = `${name}.${row.action} (${row.how})`
      for (const [operation, queue] of Object.entries(row.answers ?? {})) platform.answerNext(operation, queue)
      const wrong = await ended(subject, platform.url, row)
      if (wrong) problems.push(`${label}: ${wrong}`)
      for (const { request, operation, violations } of platform.handled.slice(first)) {
        problems.push(...violations.map((violation) => `${label}: ${request}: ${violation}`))
        if (operation) coveredBy.set(operation, (coveredBy.get(operation) ?? new Set()).add(`${name}.${row.action}`))
      }
      problems.push(...platform.takeUnfetched().map((operation) => `${label}: did not call ${operation}`))
    }
  } finally {
    await platform.close()
  }
  print(subject, read, coveredBy, platform.handled.length)
  called.set(file, new Set([...(called.get(file) ?? []), ...coveredBy.keys()]))
}

function ofAnything(operation: Operation): Operation {
  const { body, responses } = operation
  const content = Object.keys(body?.content ?? {}).map((type) => [type, { schema: true, examples: [] }])
  return {
    ...operation,
    body: body && { ...body, content: Object.fromEntries(content) },
    responses: responses.map((response) => ({ ...response, schema: undefined })),
  }
}

/** By any of those that are driven against the contract. */
function checkExtraOperations(): void {
  for (const [file, operations] of called) {
    const uncalled = (extraOperations[file] ?? []).filter(({ operation }) => !operations.has(operation))
    problems.push(
      ...uncalled.map(({ operation }) => `${file}: ${operation} is in extra-operations.ts, but is never called`),
    )
  }
}

/** Checks the cards of Teams, which the contract of its webhook does not describe. */
function checkCards(): void {
  const path = join(folder, cardSchema)
  if (!existsSync(path)) return void problems.push(`msteams: ${cardSchema} is missing in the folder`)
  const wrong = cardProblems(JSON.parse(readFileSync(path, 'utf8')))
  problems.push(...wrong)
  if (wrong.length === 0) console.log(`\n${cardSchema}: every card is valid`)
}

/** Runs a case. Returns why it failed. */
async function ended(subject: Subject, url: string, row: Case): Promise<string | undefined> {
  const { refused = false, says = '' } = row
  const { failed, message } = await subject.run(url, row).then(
    (message) => ({ failed: false, message }),
    (error: unknown) => ({ failed: true, message: messageOf(error) }),
  )
  if (failed !== refused) return failed ? `it failed: ${message}` : `it was not refused: ${message}`
  return message.includes(says) ? undefined : `the message is "${message}" and does not contain "${says}"`
}

function print(subject: Subject, contract: Contract, coveredBy: Map<string, Set<string>>, requests: number): void {
  const { contract: file, cases } = subject
  const covered = contract.operations.filter(({ name }) => coveredBy.has(name)).length
  console.log(
    `\n${file}: ${covered} of ${contract.operations.length} operations covered, by ${cases.length} cases and ${requests} requests`,
  )
  const names = [
    ...contract.operations.map(({ name }) => name),
    ...(extraOperations[file] ?? []).map(({ operation }) => operation),
  ]
  const width = Math.max(...names.map(({ length }) => length))
  const by = (name: string) => [...(coveredBy.get(name) ?? [])].join(', ')
  for (const { name } of contract.operations) {
    console.log(coveredBy.has(name) ? `  covered      ${name.padEnd(width)}  ${by(name)}` : `  not covered  ${name}`)
  }
  for (const { operation, why = 'missing in the contract', docs } of extraOperations[file] ?? []) {
    console.log(`  extra        ${operation.padEnd(width)}  ${by(operation)}\n               ${why}: ${docs}`)
  }
}

/** Checks that each provider has a contract or a reason for its absence, and each of its actions a case. */
async function checkCompleteness(): Promise<void> {
  console.log('')
  const seen = new Set<string>()
  for (const { name: category, actions, providers } of categories) {
    for (const [provider, load] of Object.entries(providers)) {
      // The first category of a provider drives its shared actions.
      const elsewhere = seen.has(provider)
      seen.add(provider)
      const cases = subjects.flatMap(({ name, cases }) => (name === provider ? cases : []))
      const reason = withoutContract[provider]
      if (cases.length === 0) {
        if (elsewhere) continue
        if (reason) console.log(`${provider}: no contract. ${reason}.`)
        else problems.push(`${provider} of ${category} has no contract and no reason for that`)
        continue
      }
      // One that calls two APIs has a contract for each.
      const driven = cases.map(({ action }) => action)
      const platform = await load()
      const able = Object.keys(actions).filter((action) => actions[action]?.kind === platform.kind)
      const asked = elsewhere ? ['rollback'] : ['check', ...able]
      const left = asked.filter((action) => !driven.includes(action) && isSupported(action, platform))
      problems.push(...left.map((action) => `${provider} of ${category}: no case drives ${action}`))
    }
  }
  const unused = fileNames().filter((name) => !subjects.some(({ contract }) => contract === name))
  console.log(`Contracts without a provider: ${unused.length} (${unused.join(', ')})`)
}
