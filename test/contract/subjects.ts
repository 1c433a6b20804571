import { loadProviderFiles } from '../provider-files.ts'
import { bearer, type Contract, tokens, withoutSandbox } from './contract.ts'

/** Tests whose exchanges are compared with a contract. */
export interface Subject extends Contract {
  /** The tests of these providers and orchestrators: `ci-cd/jenkins`. */
  tests: string[]
}

/** The exports of the file `contract.ts` of a provider: its contracts, or the source of the responses of its fake instead. */
type Exports =
  | { contracts: Contract[]; withoutContract?: undefined }
  | { withoutContract: string; contracts?: undefined }

const plan = '/{organization}/{scopeIdentifier}/_apis/distributedtask/hubs/{hubName}/plans/{planId}'
const generic = 'It calls the API that its connection describes'

/** The tests of orchestrators and commands. */
const others: Subject[] = [
  {
    contract: 'azure-devops-checks',
    tests: ['orchestrators/azure-devops/azure-devops'],
    credentials: [...bearer, [{ kind: 'basic' }]],
    documents: [`POST ${plan}/logs/{logId}`],
    known: /connectionData: the credentials are missing/,
  },
  {
    contract: 'dynatrace-automation',
    tests: ['orchestrators/dynatrace'],
    path: withoutSandbox,
    elsewhere: tokens,
    known: /runtime must be integer/,
  },
  {
    contract: 'dynatrace-guardian',
    tests: ['orchestrators/dynatrace'],
    path: withoutSandbox,
    elsewhere: tokens,
  },
  {
    contract: 'github',
    tests: ['orchestrators/github/github', 'orchestrators/github/delivery'],
    credentials: bearer,
    path: (path) => withoutSandbox(path).replace(/^\/api\/v3/, ''),
  },
  {
    contract: 'github-deployment-protection',
    tests: ['orchestrators/github/github', 'cli/github'],
    credentials: [...bearer, [{ kind: 'key', in: 'header', name: 'X-Hub-Signature-256' }]],
    // The command also calls AWS.
    elsewhere: /^\/api\/v3\/app-manifests\/|^\/$|^\/20\d\d-/,
  },
  {
    contract: 'keptn-api',
    tests: ['orchestrators/keptn/keptn'],
    under: '/api',
    path: (path) => path.replace(/^\/base/, ''),
  },
]

const files = await loadProviderFiles<Exports>('contract')

export const subjects: Subject[] = [
  ...others,
  ...files.flatMap(([provider, { contracts = [] }]) =>
    contracts.map((contract) => ({ ...contract, tests: [provider] })),
  ),
]

/** Providers without a contract, and the source of the responses in their tests instead. */
export const withoutContract: Record<string, string> = {
  http: generic,
  'http-flag': generic,
  'http-job': generic,
  'http-message': generic,
  ...Object.fromEntries(
    files.flatMap(([provider, { withoutContract: source }]) => (source ? [[provider.split('/')[1], source]] : [])),
  ),
}
