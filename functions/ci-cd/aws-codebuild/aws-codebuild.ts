import {
  BatchGetBuildsCommand,
  BatchGetReportsCommand,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild'
import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { Failure, invalidInput, refused } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'

/** Variable that contains the idempotency key. The commands of a build can read it. */
const KEY_VARIABLE = 'CLOUD_AUTOMATION_WEBHOOKS_KEY'
/** The queue is full. Transient: waiting builds will start. */
const LIMIT_EXCEEDED = 'AccountLimitExceededException'
const UNKNOWN_BUILD = '00000000-0000-0000-0000-000000000000'
const MAX_REPORTS = 100

/**
 * AWS CodeBuild: runs a build of a project.
 *
 * The idempotency token of AWS expires after five minutes. So a variable of the build contains the idempotency key, too, and
 * `find` searches the newest builds for it. The token covers builds that the list does not contain yet.
 *
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html
 */
export const awsCodeBuild = defineJob({
  title: 'AWS CodeBuild',
  aws: Aws,
  noun: 'build',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(word('Default project, by name')),
    allowParameters,
  }),
  states: {
    IN_PROGRESS: 'running',
    SUCCEEDED: 'pass',
    FAILED: 'fail',
    TIMED_OUT: 'fail',
    FAULT: 'errored',
    STOPPED: 'aborted',
  },

  variables: { reserved: ['CODEBUILD_'] },
  runId: {
    pattern: /^[A-Za-z0-9][\w-]{1,149}:[0-9a-f-]{36}$/i,
    description: 'a build id such as shop-build:12345678-90ab-cdef-1234-567890abcdef',
  },
  identify({ id = '', arn = '' }: Build) {
    const [, , , region = '', account] = arn.split(':')
    const [project] = id.split(':')
    const page = `codesuite/codebuild/${account}/projects/${project}/build/${encodeURIComponent(id)}/`
    return { id, url: consoleUrl(region, page) }
  },

  /** With permission to read builds, an unknown id returns an empty list. */
  async check({ aws, connection: { target } }) {
    try {
      await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids: [`${target ?? 'none'}:${UNKNOWN_BUILD}`] }))
    } catch (error) {
      // Permissions are per project. Without a target, a denial still shows that the credentials are valid.
      if (target !== undefined || awsErrorOf(error)?.name !== 'AccessDeniedException') throw error
    }
  },

  checkStart({ target, project, parameters = {} }) {
    if (project !== undefined)
      throw invalidInput('input.project', 'is not supported: set the CodeBuild project as input.target')
    if (!/^[A-Za-z0-9][\w-]{1,149}$/.test(target))
      throw invalidInput('input.target', 'must be a project name such as shop-build')
    const invalidName = Object.keys(parameters).find((name) => !/^[A-Za-z_]\w*$/.test(name))
    if (invalidName !== undefined)
      throw invalidInput(`input.parameters.${invalidName}`, 'is not a valid name of an environment variable')
    if (Object.hasOwn(parameters, KEY_VARIABLE))
      throw invalidInput(`input.parameters.${KEY_VARIABLE}`, 'is reserved for the idempotency key')
  },

  search: {
    // The size that AWS chooses. An earlier attempt may be older than one page.
    pageSize: 100,
    maxPages: { first: 1, retry: 5 },
    async list({ aws }, { target }, { token }) {
      // Newest first by default. With an explicit order, AWS rejects projects with more than 100 builds.
      const command = new ListBuildsForProjectCommand({ projectName: target, nextToken: token })
      const { ids, nextToken } = await aws.read(CodeBuildClient, command)
      if (aws.requireField(ids, 'ids').length === 0) return { runs: [] }
      const { builds } = await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids }))
      return { runs: aws.requireField(builds, 'builds'), next: nextToken }
    },
    hasKey: ({ environment }, { idempotencyKey }) =>
      environment?.environmentVariables?.some(({ name, value }) => name === KEY_VARIABLE && value === idempotencyKey),
  },

  async start({ aws, idempotencyKey }, { target, ref, parameters }) {
    const variables = { ...toTextParameters(parameters), ...(idempotencyKey ? { [KEY_VARIABLE]: idempotencyKey } : {}) }
    const command = new StartBuildCommand({
      projectName: target,
      sourceVersion: ref,
      environmentVariablesOverride: Object.entries(variables).map(([name, value]) => ({
        name,
        value,
        type: 'PLAINTEXT',
      })),
      idempotencyToken: idempotencyKey,
    })
    const { build = {} } = await aws.write(CodeBuildClient, command, LIMIT_EXCEEDED)
    return { ...build, id: aws.requireField(build.id, 'id of the build') }
  },

  async getStatus({ aws }, { id }) {
    const build = await readBuild(aws, id)
    const { buildStatus: state = 'IN_PROGRESS', buildComplete = false, currentPhase, logs } = build
    const links: Record<string, string> = logs?.deepLink ? { logs: logs.deepLink } : {}
    if (!buildComplete) return { state, run: build, links, progress: describePhase(currentPhase) }
    return { state, run: build, links, ...(await resultsOf(aws, build)) }
  },

  async stop({ aws }, { id }) {
    await aws.write(CodeBuildClient, new StopBuildCommand({ id }))
  },
})

interface Phase {
  phaseType?: string
  phaseStatus?: string
  contexts?: { statusCode?: string; message?: string }[]
}

/** The fields of a build that are used here. */
interface Build {
  id?: string
  arn?: string
  buildNumber?: number
  buildStatus?: string
  buildComplete?: boolean
  currentPhase?: string
  startTime?: Date
  endTime?: Date
  resolvedSourceVersion?: string
  phases?: Phase[]
  logs?: { deepLink?: string }
  reportArns?: string[]
}

async function readBuild(aws: Aws, id: string): Promise<Build> {
  const { builds } = await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids: [id] }))
  const [build] = aws.requireField(builds, 'builds')
  if (build) return build
  throw refused(`AWS CodeBuild has no build ${id}.`)
}

function describePhase(phase: string | undefined): string | undefined {
  return phase && `phase ${phase}`
}

async function resultsOf(aws: Aws, build: Build): Promise<RunResults> {
  const { buildNumber: number, startTime, endTime, resolvedSourceVersion: revision, phases = [] } = build
  const failing = phases.find(({ phaseStatus }) => phaseStatus && !['SUCCEEDED', 'IN_PROGRESS'].includes(phaseStatus))
  const contexts = failing?.contexts?.map(({ statusCode, message }) => [statusCode, message].filter(Boolean).join(': '))
  const cause = [describePhase(failing?.phaseType), ...(contexts ?? [])].filter(Boolean).join(': ')
  const { measured, unread } = await reportsOf(aws, build)
  return {
    reasons: [cause, unread],
    data: {
      ...(number ? { number } : {}),
      ...(revision ? { revision } : {}),
      ...measured,
      ...(failing ? { failedPhase: failing.phaseType } : {}),
    },
    metrics: measured,
    period: { start: startTime, end: endTime },
  }
}

/** Returns the totals of all reports of the build. The verdict does not depend on permission to read them. */
async function reportsOf(aws: Aws, { reportArns = [] }: Build) {
  if (reportArns.length === 0) return { measured: {} }
  const command = new BatchGetReportsCommand({ reportArns: reportArns.slice(0, MAX_REPORTS) })
  try {
    const { reports = [] } = await aws.read(CodeBuildClient, command)
    return { measured: { ...testsIn(reports), ...coverageIn(reports) } }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { measured: {}, unread: `its reports cannot be read: ${error.message}` }
  }
}

interface Report {
  testSummary?: { total: number | undefined; statusCounts: Record<string, number> | undefined }
  codeCoverageSummary?: { linesCovered?: number; linesMissed?: number }
}

function testsIn(reports: Report[]): Record<string, number> {
  const summaries = reports.flatMap(({ testSummary }) => testSummary ?? [])
  if (summaries.length === 0) return {}
  const count = (...statuses: string[]) =>
    sum(summaries.flatMap(({ statusCounts = {} }) => statuses.map((status) => statusCounts[status] ?? 0)))
  return {
    tests: sum(summaries.map(({ total = 0 }) => total)),
    testsPassed: count('SUCCEEDED'),
    testsFailed: count('FAILED', 'ERROR'),
    testsSkipped: count('SKIPPED'),
  }
}

/** Returns the percentage of covered lines. */
function coverageIn(reports: Report[]): Record<string, number> {
  const summaries = reports.flatMap(({ codeCoverageSummary }) => codeCoverageSummary ?? [])
  const covered = sum(summaries.map(({ linesCovered = 0 }) => linesCovered))
  const lines = covered + sum(summaries.map(({ linesMissed = 0 }) => linesMissed))
  return lines === 0 ? {} : { lineCoverage: Math.round((1_000 * covered) / lines) / 10 }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
