import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** A test that failed with random values. */
export interface FailedProperty {
  file: string
  test: string
  /** Undefined if the test failed for another reason. */
  counterexample: { values: string; seed: number; path: string } | undefined
  message: string
}

/** The part of Jest's results that we read. */
export interface JestResults {
  numTotalTests: number
  testResults: {
    name: string
    message: string
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[]
  }[]
}

const ROOT = join(import.meta.dirname, '../..')

/** Runs all tests that use properties, with the values of a seed. */
export function fuzzProperties(seed: number): { tests: number; failed: FailedProperty[] } {
  const files = globSync('test/**/*.ts', {
    cwd: ROOT,
    exclude: ['test/{contract,fuzz,nested,runner}/**'],
  })
  const withProperties = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').includes("from 'fast-check'"))
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-fuzz-properties-'))
  try {
    const output = join(folder, 'results.json')
    const jest = ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${output}`, '--findRelatedTests']
    const env = { ...process.env, FUZZ_SEED: String(seed) }
    const { stderr } = spawnSync(process.execPath, ['--no-warnings', ...jest, ...withProperties], { cwd: ROOT, env })
    const results = readResults(output)
    if (!results) throw new Error(`Jest wrote no results: ${stderr}`)
    return { tests: results.numTotalTests, failed: failedProperties(results) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readResults(file: string): JestResults | undefined {
  const [found] = globSync(file)
  return found === undefined ? undefined : JSON.parse(readFileSync(found, 'utf8'))
}

/** Returns the tests that failed, with the values that fast-check names. */
export function failedProperties({ testResults }: JestResults): FailedProperty[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(ROOT, name)
    const failed = assertionResults.filter(({ status }) => status === 'failed')
    // A file that cannot be loaded has no tests.
    if (assertionResults.length === 0) return [{ file, test: 'the file', counterexample: undefined, message }]
    return failed.map(({ fullName: test, failureMessages: [text = ''] }) => {
      const [, seed, path = ''] = /\{ seed: (-?\d+), path: "([^"]+)"/.exec(text) ?? []
      const [, values = ''] = /^Counterexample: (.*)$/m.exec(text) ?? []
      const counterexample = seed === undefined ? undefined : { values, seed: Number(seed), path }
      return { file, test, counterexample, message: text }
    })
  })
}

/** Describes a failed property for people, with the steps to repeat and to keep it. */
export function describeFailed({ file, test, counterexample, message }: FailedProperty, seed: number): string {
  const lines = [`FAILED  ${file}: ${test}`, `  FUZZ_SEED=${seed} npm test -- ${file}`]
  if (!counterexample) return [...lines, `  ${message.split('\n    at ')[0]}`].join('\n')
  const { values, path } = counterexample
  return [
    ...lines,
    `  Counterexample: ${values}`,
    `  To run only it, give fc.assert the options { seed: ${counterexample.seed}, path: '${path}' }.`,
    '  To keep it after the correction, give fc.assert the option { examples: [<the counterexample>] }.',
  ].join('\n')
}
