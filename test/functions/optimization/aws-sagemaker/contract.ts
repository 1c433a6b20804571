import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'aws-sagemaker',
    known: /\.(?:BestTrainingJob|SecondaryStatus) is not|Value must be number/,
  },
] satisfies Contract[]
