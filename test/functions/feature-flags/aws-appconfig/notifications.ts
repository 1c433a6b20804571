import type { Row } from '../../../shared/sources/expected-events.ts'

export const recorded: Record<string, Row> = {
  'eventbridge/on-deployment-complete': [
    'ended',
    'On Deployment Complete: OnDeploymentComplete',
    'ba8toh7/pgil2o7/1',
    'ba8toh7/MyEnv/1',
    'MyApp/pgil2o7/1',
    'MyApp/MyEnv/1',
  ],
}
