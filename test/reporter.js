// A quiet reporter for Jest: prints failures, progress and the slowest files. Console output appears only for files that
// fail, because many tests provoke errors that are logged. Jest's own "summary" reporter prints the totals.
import { relative } from 'node:path'

const SLOWEST_FILES = 10
const FEW_FILES = 3

export default class QuietReporter {
  #rootDir
  #files = []
  #total = 0
  #printed = 0

  constructor({ rootDir }) {
    this.#rootDir = rootDir
  }

  onRunStart({ numTotalTestSuites }) {
    this.#total = numTotalTestSuites
  }

  onTestResult(test, result, { numFailedTestSuites }) {
    const path = relative(this.#rootDir, test.path)
    this.#files.push({ path, seconds: (result.perfStats.end - result.perfStats.start) / 1_000 })
    if (result.failureMessage) this.#printFailure(path, result)
    else if (this.#total <= FEW_FILES) this.#printTests(path, result)
    const tenth = Math.floor((this.#files.length / this.#total) * 10)
    if (this.#total <= FEW_FILES || tenth === this.#printed) return
    this.#printed = tenth
    const failed = numFailedTestSuites > 0 ? `, ${numFailedTestSuites} failed` : ''
    process.stderr.write(`${this.#files.length} of ${this.#total} test files${failed}\n`)
  }

  onRunComplete() {
    const sorted = this.#files.toSorted((a, b) => b.seconds - a.seconds)
    if (this.#total <= FEW_FILES) return
    process.stderr.write('\nSlowest test files\n')
    for (const { path, seconds } of sorted.slice(0, SLOWEST_FILES)) {
      process.stderr.write(`${seconds.toFixed(1).padStart(7)} s  ${path}\n`)
    }
    process.stderr.write('\n')
  }

  #printTests(path, { testResults }) {
    process.stderr.write(`PASS ${path}\n`)
    for (const { status, fullName } of testResults) {
      if (status === 'passed') process.stderr.write(`  ✓ ${fullName}\n`)
    }
  }

  #printFailure(path, { console: output, failureMessage }) {
    const lines = (output ?? []).map(({ type, message }) => `  ${type}: ${message}`)
    process.stderr.write([`FAIL ${path}`, ...lines, failureMessage, ''].join('\n'))
  }
}
