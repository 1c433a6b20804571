// Compares the requests of the tests, and the responses of the fake platforms, with the contracts of the vendors:
// `npm run test:contracts`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { categories } from '../../functions/index.ts'
import { type Part, readContract } from '../../infra/openapi/contract.ts'
import { helpIfAsked } from '../../infra/project/help.ts'
import { messageOf } from '../../shared/errors.ts'
import { cardProblems } from './adaptive-card.ts'
import { Checker } from './check.ts'
import { type Comparison, comparer } from './compare.ts'
import { extraOperations } from './extra-operations.ts'
import { githubDelivery } from './github-delivery.ts'
import { graphqlProblems } from './graphql.ts'
import { type RecordedExchange, readExchanges } from './recording.ts'
import { type Subject, subjects, withoutContract } from './subjects.ts'

const root = join(import.meta.dirname, '../..')
const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(root, '../shared/contracts')
const suffix = '.openapi.json'
const cardSchema = 'adaptive-card.1.5.schema.json'

helpIfAsked(`npm run test:contracts: compares the requests of the tests with the API documents of the vendors.

  WEBHOOKS_CONTRACTS=<folder>   folder of the documents
  RECORDED_EXCHANGES=<folder>   requests that "npm test" recorded with the same variable; without it, the tests run
  --help                        print this text`)

const contracts = [...new Set(subjects.map(({ contract }) => contract))].sort()
/** The problems, one line each, with their number. The run fails if there are any. */
const problems = new Map<string, number>()
/** The statuses of the responses by contract and operation. */
const covered = new Map<string, Set<number>>()

if (!existsSync(folder)) {
  console.log(`skipped: ${relative(root, folder)} contains no contracts. Set WEBHOOKS_CONTRACTS to use another folder`)
} else {
  main()
  process.exitCode = problems.size > 0 ? 1 : 0
}

function main(): void {
  checkReading()
  checkCompleteness()
  const missing = contracts.filter((contract) => !fileNames().includes(contract))
  for (const contract of missing) report(`${contract}${suffix} is missing in the folder`)
  if (missing.length === 0) {
    const exchanges = readExchanges()
    compareExchanges([...exchanges, githubDelivery()])
    compareQueries(exchanges)
  }
  checkCards()
  console.log('')
  for (const [problem, count] of problems) console.log(`  FAILED  ${problem}${count > 1 ? ` (${count} times)` : ''}`)
  console.log(problems.size === 0 ? 'Every request matches its contract.' : `${problems.size} problems.`)
}

function report(...found: string[]): void {
  for (const problem of found) problems.set(problem, (problems.get(problem) ?? 0) + 1)
}

function readDocument(name: string): Part {
  return JSON.parse(readFileSync(join(folder, `${name}${suffix}`), 'utf8'))
}

function fileNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
}

/** Validates the examples of the contracts. An invalid one means that the contract is read wrongly. */
function checkReading(): void {
  let operations = 0
  for (const name of fileNames()) {
    try {
      const contract = readContract(readDocument(name))
      const checker = new Checker(contract)
      for (const operation of contract.operations) {
        operations++
        const errors = checker.examples(operation)
        report(...errors.map((error) => `${name}: the contract's own example of ${operation.name}: ${error}`))
      }
    } catch (error) {
      report(`${name} cannot be read: ${messageOf(error)}`)
    }
  }
  console.log(`${fileNames().length} contracts with ${operations} operations read, and their own examples validated`)
}

function compareExchanges(exchanges: RecordedExchange[]): void {
  const comparers = subjects.map((subject) => ({ subject, compare: comparer(readDocument(subject.contract), subject) }))
  for (const exchange of exchanges) {
    const { test, method, path, status } = exchange
    const compared = comparers
      .filter(({ subject }) => hasTest(subject, test))
      .filter(({ subject }) => !subject.elsewhere?.test(path))
      .map(({ subject, compare }) => ({ subject, ...compare(exchange) }))
    const [best] = compared.sort((one, other) => rank(one) - rank(other))
    if (!best) continue
    report(...best.violations.map((violation) => `${test}: ${best.operation ?? `${method} ${path}`}: ${violation}`))
    for (const { subject, operation, violations } of compared)
      if (operation && violations.length === 0) statusesOf(subject.contract, operation).add(status)
  }
  for (const contract of contracts) print(contract)
}

/** Compares the GraphQL queries of New Relic with its schema. */
function compareQueries(exchanges: RecordedExchange[]): void {
  const name = 'new-relic.graphql'
  const sent = exchanges.filter(({ test, path }) => test === 'functions/slo/new-relic/new-relic' && path === '/graphql')
  const documents = new Set(sent.map(({ body }) => String(JSON.parse(body).query)))
  if (existsSync(join(folder, name)) && documents.size > 0) {
    const schema = readFileSync(join(folder, name), 'utf8')
    for (const document of documents)
      report(...graphqlProblems(schema, document).map((problem) => `slo/new-relic: ${document}: ${problem}`))
    console.log(`\n${name}: ${documents.size} queries compared`)
  } else report(`${name} or the recorded queries are missing`)
}

/** The contract that fits best comes first. */
function rank({ operation, violations }: Comparison): number {
  return operation === undefined ? Number.MAX_SAFE_INTEGER : violations.length
}

function hasTest({ tests }: Subject, test: string): boolean {
  const name = test.replace(/^functions\/([^/]+\/[^/]+)\/.*|^(?:shared|infra)\//, '$1')
  return tests.includes(name)
}

function statusesOf(contract: string, operation: string): Set<number> {
  const key = `${contract} ${operation}`
  const statuses = covered.get(key) ?? new Set()
  covered.set(key, statuses)
  return statuses
}

/** Prints what the tests cover of a contract. Reports extra operations that no test calls. */
function print(contract: string): void {
  const known = readContract(readDocument(contract)).operations.map(({ name }) => name)
  const extras = extraOperations[contract] ?? []
  const statuses = (name: string) => [...statusesOf(contract, name)].sort().join(', ')
  const called = known.filter(statuses).length
  console.log(`\n${contract}: ${called} of ${known.length} operations covered`)
  const width = Math.max(...[...known, ...extras.map(({ operation }) => operation)].map(({ length }) => length))
  for (const name of known)
    console.log(statuses(name) ? `  covered      ${name.padEnd(width)}  ${statuses(name)}` : `  not covered  ${name}`)
  for (const { operation, why, docs } of extras) {
    console.log(`  extra        ${operation.padEnd(width)}  ${statuses(operation)}\n               ${why}: ${docs}`)
    if (!statuses(operation)) report(`${contract}: ${operation} is in extra-operations.ts, but no test calls it`)
  }
}

/** Checks the cards of Teams, which the contract of its webhook does not describe. */
function checkCards(): void {
  const path = join(folder, cardSchema)
  const wrong = existsSync(path)
    ? cardProblems(JSON.parse(readFileSync(path, 'utf8')))
    : [`msteams: ${cardSchema} is missing in the folder`]
  report(...wrong)
  if (wrong.length === 0) console.log(`\n${cardSchema}: every card is valid`)
}

/** Checks that each provider has a contract, or a reason for its absence. */
function checkCompleteness(): void {
  const withContract = subjects.flatMap(({ tests }) => tests.map((test) => test.split('/').at(-1)))
  const providers = new Set(categories.flatMap(({ providers }) => Object.keys(providers)))
  for (const provider of providers) {
    const reason = withoutContract[provider]
    if (withContract.includes(provider)) continue
    if (reason) console.log(`${provider}: no contract. ${reason}.`)
    else report(`${provider} has no contract and no reason for that`)
  }
  const unused = fileNames().filter((name) => !contracts.includes(name))
  console.log(`Contracts without a provider: ${unused.length} (${unused.join(', ')})`)
}
