// A quiet reporter for Jest: prints failures, progress, skipped tests and the files that take the most CPU time. Console output appears
// only for files that fail, because many tests provoke errors that are logged. Jest's own "summary" reporter prints the
// totals. No time fails a run, because the same tests take twice as long on a busy machine.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** The part of Jest's results that is printed. */
interface FileResult {
  failureMessage?: string | null
  console?: { type: string; message: string }[] | null
  testResults: { status: string; fullName: string }[]
}

interface CpuTime {
  path: string
  seconds: number
}

const SLOWEST_FILES = 10
const FEW_FILES = 3

export default class QuietReporter {
  readonly #rootDir: string
  readonly #hasNamePattern: boolean
  readonly #skipped: string[] = []
  readonly #tmpdir = process.env['TMPDIR']
  #temporary: string | undefined
  #finished = 0
  #total = 0
  #printed = 0

  constructor({ rootDir, testNamePattern }: { rootDir: string; testNamePattern?: string }) {
    this.#rootDir = rootDir
    this.#hasNamePattern = Boolean(testNamePattern)
  }

  onRunStart({ numTotalTestSuites }: { numTotalTestSuites: number }): void {
    this.#total = numTotalTestSuites
    // The name contains what users have in paths, and what is special in shells, modules and URLs. The workers inherit it.
    process.env['SYSTEM_TMPDIR'] = tmpdir()
    this.#temporary = mkdtempSync(join(tmpdir(), "webhooks user's $1 ü#%-"))
    process.env['TMPDIR'] = this.#temporary
  }

  onTestResult(
    test: { path: string },
    result: FileResult,
    { numFailedTestSuites }: { numFailedTestSuites: number },
  ): void {
    const path = relative(this.#rootDir, test.path)
    this.#finished++
    const skipped = result.testResults.filter(({ status }) => status === 'pending')
    if (skipped[0]) this.#skipped.push(`${skipped.length} skipped in ${path}: ${skipped[0].fullName}\n`)
    if (result.failureMessage) this.#printFailure(path, result)
    else if (this.#total <= FEW_FILES) this.#printTests(path, result)
    const tenth = Math.floor((this.#finished / this.#total) * 10)
    if (this.#total <= FEW_FILES || tenth === this.#printed) return
    this.#printed = tenth
    const failed = numFailedTestSuites > 0 ? `, ${numFailedTestSuites} failed` : ''
    process.stderr.write(`${this.#finished} of ${this.#total} test files${failed}\n`)
  }

  onRunComplete(): void {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true, maxRetries: 3 })
    if (this.#tmpdir === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = this.#tmpdir
    // A name pattern skips tests on purpose.
    if (!this.#hasNamePattern) for (const line of this.#skipped) process.stderr.write(line)
    const files = this.#readCpuTimes()
    if (this.#total <= FEW_FILES || files.length === 0) return
    process.stderr.write('\nTest files by CPU time\n')
    for (const { path, seconds } of files.slice(0, SLOWEST_FILES)) {
      process.stderr.write(`${seconds.toFixed(1).padStart(7)} s  ${path}\n`)
    }
    const total = files.reduce((sum, { seconds }) => sum + seconds, 0)
    process.stderr.write(`${total.toFixed(1).padStart(7)} s  in all ${files.length} files\n\n`)
  }

  /** Returns the measured files, the slowest first. */
  #readCpuTimes(): CpuTime[] {
    const file = process.env['TEST_CPU_TIMES']
    if (!file || !existsSync(file)) return []
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    rmSync(file)
    return lines
      .map(({ testPath, seconds }) => ({ path: relative(this.#rootDir, testPath), seconds }))
      .toSorted((a, b) => b.seconds - a.seconds)
  }

  #printTests(path: string, { testResults }: FileResult): void {
    process.stderr.write(`PASS ${path}\n`)
    for (const { status, fullName } of testResults) {
      if (status === 'passed') process.stderr.write(`  ✓ ${fullName}\n`)
    }
  }

  #printFailure(path: string, { console: output, failureMessage }: FileResult): void {
    const lines = (output ?? []).map(({ type, message }) => `  ${type}: ${message}`)
    process.stderr.write([`FAIL ${path}`, ...lines, failureMessage, ''].join('\n'))
  }
}
