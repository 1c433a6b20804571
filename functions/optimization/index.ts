import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Starts and stops optimizations, tunings and trainings of models. */
export const optimization = defineCategory({
  name: 'optimization',
  summary: 'Starts and stops optimizations, tunings and trainings of models',
  actions,
  providers: {
    'aws-sagemaker': async () => (await import('./aws-sagemaker/aws-sagemaker.ts')).awsSageMaker,
    'aws-step-functions': async () => (await import('./aws-step-functions/aws-step-functions.ts')).awsStepFunctions,
    databricks: async () => (await import('./databricks/databricks.ts')).databricks,
    akamas: async () => (await import('./akamas/akamas.ts')).akamas,
    http: async () => (await import('./http/http.ts')).http,
  },
})
