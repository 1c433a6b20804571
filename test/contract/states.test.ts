import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { verdicts as signalsVerdicts } from '../../functions/slo/aws-application-signals/aws-application-signals.ts'
import { verdicts as dynatraceVerdicts } from '../../functions/slo/dynatrace-slo.ts'
import LISTS from '../conformance/job/vendor-states.json' with { type: 'json' }
import { withoutContract } from './subjects.ts'

const folder = process.env['WEBHOOKS_CONTRACTS'] ?? join(import.meta.dirname, '../../../shared/contracts')
const tests = join(import.meta.dirname, '../functions')

/** The place of a list of states in a contract. */
interface Place {
  contract: string
  /**
   * Returns the states as our providers write them.
   *
   * @param listed returns what the contract lists at a path
   */
  states(listed: (path: string) => string[]): string[]
}

/** @param paths the lists of the contract */
const from = (contract: string, ...paths: string[]): Place => ({
  contract,
  states: (listed) => paths.flatMap(listed),
})
/** States that are followed by a result once the state `ended` is reached: `DONE/PASSED`. */
const withResults = (contract: string, object: string, state: string, ended: string, result: string): Place => ({
  contract,
  states: (listed) => [
    ...listed(`${object}/properties/${state}`).filter((name) => name !== ended),
    ...listed(`${object}/properties/${result}`).map((name) => `${ended}/${name}`),
  ],
})
const schemas = 'components/schemas'
const chaosMesh = 'definitions/github_com_chaos-mesh_chaos-mesh_pkg'
const aws = (contract: string, name: string) => from(contract, `${schemas}/${name}`)

/** The places of the lists of `vendor-states.json`. */
const places: Record<keyof typeof LISTS, Place> = {
  'aws-application-signals': aws('aws-application-signals', 'ServiceLevelObjectiveBudgetStatus'),
  'aws-codebuild': aws('aws-codebuild', 'StatusType'),
  'aws-codepipeline': aws('aws-codepipeline', 'PipelineExecutionStatus'),
  'aws-dlt': aws('aws-dlt', 'Status'),
  'aws-fis': aws('aws-fis', 'ExperimentStatus'),
  'aws-sagemaker/pipeline': aws('aws-sagemaker', 'PipelineExecutionStatus'),
  'aws-sagemaker/training': aws('aws-sagemaker', 'TrainingJobStatus'),
  'aws-sagemaker/tuning': aws('aws-sagemaker', 'HyperParameterTuningJobStatus'),
  'aws-ssm-automation': aws('aws-ssm', 'AutomationExecutionStatus'),
  'aws-step-functions': aws('aws-stepfunctions', 'ExecutionStatus'),
  'azure-load-testing': withResults('azure-load-testing', `${schemas}/TestRun`, 'status', 'DONE', 'testResult'),
  'azure-pipelines': withResults('azure-devops-build', 'definitions/Build', 'status', 'completed', 'result'),
  blazemeter: {
    contract: 'blazemeter',
    states: (listed) => listed(`${schemas}/Master/properties/reportStatus`).map((state) => `ENDED/${state}`),
  },
  'chaos-mesh/experiment': from('chaos-mesh', `${chaosMesh}_status.ChaosStatus`),
  'chaos-mesh/workflow': from('chaos-mesh', `${chaosMesh}_dashboard_core.WorkflowStatus`),
  'databricks/current': from('databricks', `${schemas}/Run/properties/status/properties/state`),
  'databricks/older': from(
    'databricks',
    `${schemas}/Run/properties/state/properties/life_cycle_state`,
    `${schemas}/Run/properties/state/properties/result_state`,
  ),
  dynatrace: from('dynatrace-environment-v2', `${schemas}/SLO/properties/status`),
  'github-actions': {
    contract: 'github',
    states(listed) {
      // The list contains the status of a run and the conclusion of a completed one.
      const now = listed(`${schemas}/job/properties/status`)
      const all = listed('components/parameters/workflow-run-status/schema')
      const ends = all.filter((state) => !now.includes(state))
      return [...now.filter((state) => state !== 'completed'), ...ends.map((end) => `completed/${end}`)]
    },
  },
  'gitlab-ci': from('gitlab', `${schemas}/Pipeline/properties/status`),
  'google-cloud-build': from('google-cloud-build', `${schemas}/Build/properties/status`),
  'google-cloud-deploy': {
    contract: 'google-cloud-deploy',
    states(listed) {
      const rollout = `${schemas}/Rollout/properties`
      const causes = listed(`${rollout}/deployFailureCause`).filter((cause) => cause !== 'FAILURE_CAUSE_UNSPECIFIED')
      return [...listed(`${rollout}/state`), ...causes.map((cause) => `FAILED/${cause}`)]
    },
  },
  gremlin: from('gremlin', `${schemas}/ScenarioRun/properties/stage_info/properties/stage`),
  'hcp-terraform': from('hcp-terraform', `${schemas}/runs/properties/attributes/properties/status`),
  jenkins: from('jenkins', `${schemas}/Build/properties/result`),
  litmus: from('litmus', `${schemas}/Phase`),
  neoload: {
    contract: 'neoload',
    states(listed) {
      const result = `${schemas}/TestResultDefinition/properties`
      const ends = listed(`${result}/terminationReason`).flatMap((reason) =>
        reason === 'POLICY' || reason === 'VARIABLE'
          ? listed(`${result}/qualityStatus`).map((quality) => `${reason}/${quality}`)
          : [reason],
      )
      const now = listed(`${result}/status`).filter((state) => state !== 'TERMINATED')
      return [...now, ...ends.map((end) => `TERMINATED/${end}`)]
    },
  },
  stackstorm: from('stackstorm', 'definitions/Execution/properties/status'),
  steadybit: from('steadybit', `${schemas}/Execution/properties/state`),
}

/** The verdicts of evaluation providers by state. `others` are states without a verdict, with the reason. */
const evaluations = {
  dynatrace: { verdicts: dynatraceVerdicts, others: {} },
  'aws-application-signals': {
    verdicts: signalsVerdicts,
    others: { INSUFFICIENT_DATA: 'no verdict: the connection says what a lack of data is (noData)' },
  },
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

/** Returns the names of the providers of jobs that have a contract. */
async function jobProviders(): Promise<string[]> {
  const loaded = categories.flatMap(({ providers }) =>
    Object.entries(providers).map(async ([name, load]) => ((await load()).kind === 'job' ? [name] : [])),
  )
  return (await Promise.all(loaded)).flat().filter((name) => !Object.hasOwn(withoutContract, name))
}

/** Returns what a contract lists at a path, without null. */
function listedIn(contract: string): (path: string) => string[] {
  const document: unknown = JSON.parse(readFileSync(join(folder, `${contract}.openapi.json`), 'utf8'))
  return (path) => {
    const schema = path
      .split('/')
      .reduce<unknown>((parent, name) => (parent as Record<string, unknown> | undefined)?.[name], document)
    const { enum: values } = (schema ?? {}) as { enum?: (string | null)[] }
    if (!values) throw new Error(`${contract} lists nothing at ${path}`)
    return values.filter((value) => value !== null)
  }
}

const jobLists = Object.keys(LISTS).filter((name) => !Object.hasOwn(evaluations, name))

test('every provider of jobs with a contract has a list of states, or there is a reason', async () => {
  const listed = jobLists.map((name) => name.replace(/\/.*/, ''))
  const expected = [...new Set(listed), ...Object.keys(unlisted)]
  expect([...new Set(await jobProviders())].sort()).toEqual(expected.sort())
})

test('the tests of these providers take their states from the list', () => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'))
  const sources = files.map((file) => readFileSync(join(tests, file), 'utf8'))
  const used = sources.flatMap((source) => [...source.matchAll(/vendorStates\(\s*'([^']+)'/g)].map(([, name]) => name))
  expect(used.sort()).toEqual(jobLists.sort())
})

test.each(Object.entries(evaluations))(
  '%s has a verdict for each state of an objective',
  (name, { verdicts, others }) => {
    const known = [...verdicts.keys(), ...Object.keys(others)].map(String)
    expect(known.sort()).toEqual([...LISTS[name as keyof typeof evaluations].states].sort())
  },
)

const [describeIfContracts, reason] = existsSync(folder)
  ? [describe, '']
  : [describe.skip, ': there are no contracts. Set WEBHOOKS_CONTRACTS=<folder>.']
describeIfContracts(`vendor-states.json${reason}`, () => {
  test.each(Object.entries(places))('has the states of %s that the contract lists', (name, { contract, states }) => {
    const listed = [...new Set(states(listedIn(contract)))]
    expect(LISTS[name as keyof typeof LISTS].states).toEqual(listed)
  })
})
