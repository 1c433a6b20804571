import { defineCategory } from '../../shared/providers/category.ts'
import { ciCd } from '../ci-cd/index.ts'
import { featureFlags } from '../feature-flags/index.ts'
import { actions } from './actions.ts'
import { keptnActions } from './keptn-actions.ts'

/** Runs runbooks and jobs, toggles flags and rolls back deployments. */
export const remediation = defineCategory({
  name: 'remediation',
  summary: 'Runs runbooks and jobs, toggles flags and rolls back deployments',
  actions,
  actionMapping: keptnActions,
  providers: {
    'aws-ssm-automation': async () => (await import('./aws-ssm-automation/aws-ssm-automation.ts')).awsSsmAutomation,
    awx: async () => (await import('./awx/awx.ts')).awx,
    stackstorm: async () => (await import('./stackstorm/stackstorm.ts')).stackstorm,
    kubernetes: async () => (await import('./kubernetes/kubernetes.ts')).kubernetes,
    rundeck: async () => (await import('./rundeck/rundeck.ts')).rundeck,
    ...featureFlags.providers,
    ...ciCd.providers,
    'http-flag': async () => (await import('./http-flag/http-flag.ts')).httpFlag,
  },
})
