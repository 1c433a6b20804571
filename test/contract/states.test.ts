import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { verdicts as dynatraceVerdicts } from '../../functions/slo/dynatrace-slo.ts'
import { verdicts as signalsVerdicts } from '../../functions/slo/providers/aws-application-signals.ts'
import type { JobProvider } from '../../shared/providers/job.ts'
import { withoutContract } from './without-contract.ts'

const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(import.meta.dirname, '../../../shared/contracts')

/** The states that a contract lists, as our tables write them. */
interface States {
  contract: string
  /** @param listed gives what the contract lists at a place */
  states(listed: (place: string) => string[]): string[]
  /** Those that are in no table on purpose, and why. */
  elsewhere?: Record<string, string>
}

/** @param places the lists of the contract */
const from = (contract: string, ...places: string[]): States => ({
  contract,
  states: (listed) => places.flatMap(listed),
})
/** States that are followed by a result once the state `ended` is reached: `DONE/PASSED`. */
const withResults = (contract: string, object: string, state: string, ended: string, result: string): States => ({
  contract,
  states: (listed) => [
    ...listed(`${object}/properties/${state}`).filter((one) => one !== ended),
    ...listed(`${object}/properties/${result}`).map((one) => `${ended}/${one}`),
  ],
})
const schemas = 'components/schemas'
const aws = (contract: string, ...names: string[]) => from(contract, ...names.map((name) => `${schemas}/${name}`))

/** By provider. */
const jobs: Record<string, States> = {
  'aws-codebuild': aws('aws-codebuild', 'StatusType'),
  'aws-codepipeline': aws('aws-codepipeline', 'PipelineExecutionStatus'),
  'aws-fis': aws('aws-fis', 'ExperimentStatus'),
  'aws-sagemaker': aws(
    'aws-sagemaker',
    'PipelineExecutionStatus',
    'HyperParameterTuningJobStatus',
    'TrainingJobStatus',
  ),
  'aws-ssm-automation': aws('aws-ssm', 'AutomationExecutionStatus'),
  'aws-step-functions': aws('aws-stepfunctions', 'ExecutionStatus'),
  'aws-dlt': {
    ...aws('aws-dlt', 'Status'),
    elsewhere: {
      created: 'of a scenario that was never started: a run has others',
      scheduled: 'of a scenario that starts later by itself, which we never ask for',
    },
  },
  'github-actions': {
    contract: 'github',
    states(listed) {
      // The list contains the status of a run and the conclusion of a completed one.
      const now = listed('components/schemas/job/properties/status')
      const all = listed('components/parameters/workflow-run-status/schema')
      const ends = all.filter((state) => !now.includes(state))
      return [...now.filter((state) => state !== 'completed'), ...ends.map((end) => `completed/${end}`)]
    },
  },
  'azure-pipelines': {
    ...withResults('azure-devops-build', 'definitions/Build', 'status', 'completed', 'result'),
    elsewhere: {
      all: 'a filter for builds of every status',
      'completed/none': 'a build that is not complete: polled until it has a result',
    },
  },
  'gitlab-ci': from('gitlab', `${schemas}/Pipeline/properties/status`),
  'google-cloud-build': from('google-cloud-build', `${schemas}/Build/properties/status`),
  'google-cloud-deploy': {
    contract: 'google-cloud-deploy',
    states(listed) {
      const rollout = 'components/schemas/Rollout/properties'
      const causes = listed(`${rollout}/deployFailureCause`).filter((cause) => cause !== 'FAILURE_CAUSE_UNSPECIFIED')
      return [...listed(`${rollout}/state`), ...causes.map((cause) => `FAILED/${cause}`)]
    },
  },
  'hcp-terraform': from('hcp-terraform', `${schemas}/runs/properties/attributes/properties/status`),
  jenkins: from('jenkins', `${schemas}/Build/properties/result`),
  'azure-load-testing': withResults('azure-load-testing', `${schemas}/TestRun`, 'status', 'DONE', 'testResult'),
  blazemeter: {
    contract: 'blazemeter',
    states: (listed) => listed('components/schemas/Master/properties/reportStatus').map((state) => `ENDED/${state}`),
    elsewhere: { 'ENDED/unset': 'a test without failure criteria: the connection says what that is (noVerdict)' },
  },
  neoload: {
    contract: 'neoload',
    states(listed) {
      const result = 'components/schemas/TestResultDefinition/properties'
      const ends = listed(`${result}/terminationReason`).flatMap((reason) =>
        reason === 'POLICY' || reason === 'VARIABLE'
          ? listed(`${result}/qualityStatus`).map((quality) => `${reason}/${quality}`)
          : [reason],
      )
      const now = listed(`${result}/status`).filter((state) => state !== 'TERMINATED')
      return [...now, ...ends.map((end) => `TERMINATED/${end}`)]
    },
    elsewhere: { UNKNOWN: 'no state of the test: polled until it has one' },
  },
  gremlin: from('gremlin', `${schemas}/ScenarioRun/properties/stage_info/properties/stage`),
  steadybit: from('steadybit', `${schemas}/Execution/properties/state`),
  litmus: { ...from('litmus', `${schemas}/Phase`), elsewhere: { All: 'a filter for runs of every state' } },
  'chaos-mesh': from(
    'chaos-mesh',
    'definitions/github_com_chaos-mesh_chaos-mesh_pkg_status.ChaosStatus',
    'definitions/github_com_chaos-mesh_chaos-mesh_pkg_dashboard_core.WorkflowStatus',
  ),
  databricks: {
    ...from(
      'databricks',
      `${schemas}/Run/properties/state/properties/life_cycle_state`,
      `${schemas}/Run/properties/state/properties/result_state`,
      `${schemas}/Run/properties/status/properties/state`,
    ),
    elsewhere: { TERMINATED: 'has ended: its result, or the code of its end, says how' },
  },
  stackstorm: from('stackstorm', 'definitions/Execution/properties/status'),
}

/** Job providers whose contract does not list the states, and where theirs are from. */
const unlisted: Record<string, string> = {
  akamas: 'it sends its result to Keptn itself',
  gatling: 'its contract writes numbers and words as free text',
  kubernetes: 'its contract has counters and conditions, from which the states are derived',
  'kubernetes-job': 'its contract writes the reasons of conditions as free text',
  'k6-operator': 'its contract writes the stage as free text',
  rundeck: 'its contract writes the states as free text',
  tekton: 'its contract writes the reasons of conditions as free text',
}

const evaluations: [string, States, ReadonlyMap<unknown, unknown>][] = [
  ['dynatrace', from('dynatrace-environment-v2', `${schemas}/SLO/properties/status`), dynatraceVerdicts],
  [
    'aws-application-signals',
    {
      ...aws('aws-application-signals', 'ServiceLevelObjectiveBudgetStatus'),
      elsewhere: { INSUFFICIENT_DATA: 'no verdict: the connection says what a lack of data is (noData)' },
    },
    signalsVerdicts,
  ],
]

async function jobProviders(): Promise<Map<string, JobProvider>> {
  const found = new Map<string, JobProvider>()
  for (const { providers } of categories) {
    for (const [name, load] of Object.entries(providers)) {
      const provider = await load()
      if (provider.kind === 'job') found.set(name, provider as JobProvider)
    }
  }
  return found
}

/** The words that a contract lists at a place; a null is the lack of one. */
function listedIn(contract: string): (place: string) => string[] {
  const document: unknown = JSON.parse(readFileSync(join(folder, `${contract}.openapi.json`), 'utf8'))
  return (place) => {
    const schema = place
      .split('/')
      .reduce<unknown>((held, name) => (held as Record<string, unknown> | undefined)?.[name], document)
    const { enum: words } = (schema ?? {}) as { enum?: (string | null)[] }
    if (!words) throw new Error(`${contract} lists nothing at ${place}`)
    return words.filter((word) => word !== null)
  }
}

/** Each state that the contract lists is in the table, or is not on purpose; and no reason has become idle. */
function check({ contract, states, elsewhere = {} }: States, table: readonly string[]): void {
  const listed = states(listedIn(contract))
  expect(listed.length).toBeGreaterThan(2)
  const unknown = listed.filter((state) => !table.includes(state) && !Object.hasOwn(elsewhere, state))
  const idle = Object.keys(elsewhere).filter((state) => table.includes(state) || !listed.includes(state))
  expect({ unknown, idle }).toEqual({ unknown: [], idle: [] })
}

test('every provider of jobs with a contract is compared with its states, or there is a reason', async () => {
  const withContract = [...(await jobProviders()).keys()].filter((name) => !Object.hasOwn(withoutContract, name))
  expect(withContract.sort()).toEqual([...Object.keys(jobs), ...Object.keys(unlisted)].sort())
})

const [describeIfContracts, reason] = existsSync(folder)
  ? [describe, '']
  : [describe.skip, ': there are no contracts. Set WEBHOOKS_CONTRACTS=<folder>.']
describeIfContracts(`each state that the vendor knows${reason}`, () => {
  test.each(Object.entries(jobs))('of a job is one that %s knows', async (name, states) => {
    check(states, Object.keys((await jobProviders()).get(name)?.states ?? {}))
  })
  test.each(evaluations)('of an objective is one that %s knows', (_name, states, verdicts) => {
    check(states, [...verdicts.keys()].map(String))
  })
})
