import { aws, type StateList } from '../../../contract/state-list.ts'

export const listedStates = {
  source: 'boto/botocore, botocore/data/application-signals/2024-04-15/service-2.json @ 0e6e2404b85d',
  states: ['OK', 'WARNING', 'BREACHED', 'INSUFFICIENT_DATA'],
  place: aws('aws-application-signals', 'ServiceLevelObjectiveBudgetStatus'),
} satisfies StateList
