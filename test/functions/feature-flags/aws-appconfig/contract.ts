import type { Contract } from '../../../contract/contract.ts'

const versions =
  '/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions'

export const contracts = [
  {
    contract: 'aws-appconfig',
    documents: [`POST ${versions}`, `GET ${versions}/{VersionNumber}`],
  },
] satisfies Contract[]
