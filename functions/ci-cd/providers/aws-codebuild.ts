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
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJobProvider, type Run, type RunStatus } from '../../../shared/providers/job.ts'
import { allowParameters } from '../../../shared/providers/job-variables.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** The variable by which a build carries the key of its call; its commands see it too. */
const keyVariable = 'CLOUD_AUTOMATION_WEBHOOKS_KEY'
/** So many wait already that no other one may: some of them will begin. */
const tooMany = 'AccountLimitExceededException'
const noBuild = '00000000-0000-0000-0000-000000000000'
/** Pages of 100 builds that are looked through; more where an earlier try may be long ago. */
const pages = 1
const pagesWhenRepeated = 5
const mostReports = 100
const longestReason = 500

/**
 * AWS CodeBuild: a build of a project.
 *
 * Its token keeps AWS from starting a second build for five minutes only. So a build carries the key in a variable as well,
 * and is found by that among the newest of its project; the token covers what the list may not show yet.
 *
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
 * @see https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html
 */
export const awsCodeBuild = defineJobProvider({
  title: 'AWS CodeBuild',
  aws: Aws,
  noun: 'build',
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(word('Default project, by its name')),
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

  /** Whoever may look at builds is answered that this is none. */
  async check({ aws, connection: { target } }) {
    try {
      await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids: [`${target ?? 'none'}:${noBuild}`] }))
    } catch (error) {
      // What is allowed is allowed for projects: without one, a refusal says at least that AWS knows who asks.
      if (target !== undefined || awsErrorOf(error)?.name !== 'AccessDeniedException') throw error
    }
  },

  checkStart({ target, project, parameters = {} }) {
    if (project !== undefined) throw invalid('project', 'of no use here: the project of CodeBuild is the target')
    if (!/^[A-Za-z0-9][\w-]{1,149}$/.test(target))
      throw invalid('target', 'no project: write its name, like shop-build')
    const wrong = Object.keys(parameters).find((name) => !/^[A-Za-z_]\w*$/.test(name))
    if (wrong !== undefined) throw invalid(`parameters.${wrong}`, 'no name of an environment variable')
    if (Object.hasOwn(parameters, keyVariable)) throw invalid(`parameters.${keyVariable}`, 'ours: leave it out')
  },

  async find({ aws, idempotencyKey: key, isRetry: repeated }, { target }) {
    let nextToken: string | undefined
    for (let page = 0; page < (repeated ? pagesWhenRepeated : pages); page++) {
      // Newest first by itself; asked for an order, it refuses where there are more than 100.
      const command = new ListBuildsForProjectCommand({ projectName: target, nextToken })
      const { ids = [], nextToken: next } = await aws.read(CodeBuildClient, command)
      if (ids.length === 0) return undefined
      const { builds = [] } = await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids }))
      const found = builds.find(({ environment }) =>
        environment?.environmentVariables?.some(({ name, value }) => name === keyVariable && value === key),
      )
      if (found) return runOf(found)
      if (next === undefined) return undefined
      nextToken = next
    }
    return undefined
  },

  async start({ aws, idempotencyKey: key }, { target, ref, parameters }) {
    const variables = { ...toTextParameters(parameters), ...(key ? { [keyVariable]: key } : {}) }
    const command = new StartBuildCommand({
      projectName: target,
      sourceVersion: ref,
      environmentVariablesOverride: Object.entries(variables).map(([name, value]) => ({
        name,
        value,
        type: 'PLAINTEXT',
      })),
      idempotencyToken: key,
    })
    const { build = {} } = await aws.write(CodeBuildClient, command, tooMany)
    return runOf({ ...build, id: aws.requireField(build.id, 'id of the build') })
  },

  async getStatus({ aws }, { id }) {
    const build = await readBuild(aws, id)
    const { buildStatus: state = 'IN_PROGRESS', buildComplete = false, currentPhase, logs } = build
    const links: Record<string, string> = logs?.deepLink ? { logs: logs.deepLink } : {}
    const seen = { state, run: runOf(build), links }
    return buildComplete ? { ...seen, ...(await resultsOf(aws, build)) } : { ...seen, progress: phaseOf(currentPhase) }
  },

  parseRunId({ id }) {
    if (/^[A-Za-z0-9][\w-]{1,149}:[0-9a-f-]{36}$/i.test(id)) return { id }
    throw invalid('id', 'no build: write it like shop-build:12345678-90ab-cdef-1234-567890abcdef')
  },

  async stop({ aws }, { id }) {
    try {
      await aws.write(CodeBuildClient, new StopBuildCommand({ id }))
    } catch (error) {
      // It has come to its end in the meantime.
      if (error instanceof Failure && error.kind === 'refused' && (await readBuild(aws, id)).buildComplete) return
      throw error
    }
  },
})

interface Phase {
  phaseType?: string
  phaseStatus?: string
  contexts?: { statusCode?: string; message?: string }[]
}

/** Of all that a build says, what we use. */
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
  const { builds: [build] = [] } = await aws.read(CodeBuildClient, new BatchGetBuildsCommand({ ids: [id] }))
  if (build) return build
  throw new Failure('refused', `AWS CodeBuild shows no build ${id}.`)
}

function runOf({ id = '', arn = '' }: Build): Run {
  const [, , , region = '', account] = arn.split(':')
  const [project] = id.split(':')
  const page = `codesuite/codebuild/${account}/projects/${project}/build/${encodeURIComponent(id)}/`
  return { id, url: consoleUrl(region, page) }
}

function phaseOf(phase: string | undefined): string | undefined {
  return phase && `phase ${phase}`
}

async function resultsOf(aws: Aws, build: Build): Promise<Partial<RunStatus>> {
  const { buildNumber: number, startTime, endTime, resolvedSourceVersion: revision, phases = [] } = build
  const failing = phases.find(({ phaseStatus }) => phaseStatus && !['SUCCEEDED', 'IN_PROGRESS'].includes(phaseStatus))
  const contexts = failing?.contexts?.map(({ statusCode, message }) => [statusCode, message].filter(Boolean).join(': '))
  const why = [phaseOf(failing?.phaseType), ...(contexts ?? [])].filter(Boolean).join(': ')
  const { measured, unread } = await reportsOf(aws, build)
  const metrics = {
    ...(startTime && endTime ? { duration: Math.round((endTime.getTime() - startTime.getTime()) / 1_000) } : {}),
    ...measured,
  }
  return {
    reason: clipSingleLine([why, unread].filter(Boolean).join('; '), longestReason) || undefined,
    data: {
      ...(number ? { number } : {}),
      ...(revision ? { revision } : {}),
      ...metrics,
      ...(failing ? { failedPhase: failing.phaseType } : {}),
    },
    metrics,
    period: { start: startTime, end: endTime },
  }
}

/** What the build's reports count, all together; a role that may not read them is no reason to lose the verdict. */
async function reportsOf(aws: Aws, { reportArns = [] }: Build) {
  if (reportArns.length === 0) return { measured: {} }
  const command = new BatchGetReportsCommand({ reportArns: reportArns.slice(0, mostReports) })
  try {
    const { reports = [] } = await aws.read(CodeBuildClient, command)
    return { measured: { ...testsIn(reports), ...coverageIn(reports) } }
  } catch (error) {
    if (!(error instanceof Failure && error.kind === 'refused')) throw error
    return { measured: {}, unread: `its reports can not be read: ${error.message}` }
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

/** In per cent of all lines. */
function coverageIn(reports: Report[]): Record<string, number> {
  const summaries = reports.flatMap(({ codeCoverageSummary }) => codeCoverageSummary ?? [])
  const covered = sum(summaries.map(({ linesCovered = 0 }) => linesCovered))
  const lines = covered + sum(summaries.map(({ linesMissed = 0 }) => linesMissed))
  return lines === 0 ? {} : { lineCoverage: Math.round((1_000 * covered) / lines) / 10 }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
